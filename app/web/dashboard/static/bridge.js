/* The Saleor Dashboard's AppBridge for pages rendered on the server: no React, no SDK. Protocol of dashboard 3.22 and 3.23. */
(function () {
  "use strict";
  var root = document.documentElement, framed = window.parent !== window, KEY = "reseller.";
  function kept(name, value) { // A browser may forbid storage in frames.
    try {
      var area = window.localStorage;
      if (value === undefined) return area.getItem(KEY + name);
      if (value === null) area.removeItem(KEY + name); else area.setItem(KEY + name, value);
    } catch (e) { return null; }
    return null;
  }
  // Who may speak to us: origins the server knows for this shop, else the frame's own ancestor. The first referrer is the Dashboard.
  var known = (document.querySelector('meta[name="dashboard-origins"]') || { content: "" }).content.split(" ").filter(Boolean);
  var ancestor = location.ancestorOrigins && location.ancestorOrigins[0];
  if (!ancestor) { try { ancestor = new URL(document.referrer).origin; } catch (e) { ancestor = ""; } }
  if (ancestor === location.origin) ancestor = "";
  var origin = known.indexOf(ancestor) >= 0 ? ancestor : known[0] || ancestor;
  var pending = {}, listeners = {}, state = { token: null, theme: null, locale: kept("locale") };
  function emit(type, payload) { (listeners[type] || []).forEach(function (listener) { listener(payload, state); }); }
  window.addEventListener("message", function (event) {
    if (event.source !== window.parent || (origin && event.origin !== origin)) return;
    var data = event.data;
    if (!data || !data.type || !data.payload) return;
    switch (data.type) {
      case "response":
        var asked = pending[data.payload.actionId]; // Answers to other frames of this app arrive here, too.
        if (asked) { delete pending[data.payload.actionId]; clearTimeout(asked.timer); asked.done(!!data.payload.ok); }
        return;
      case "handshake": case "tokenRefresh":
        state.token = data.payload.token || null; // Empty: the user lacks the extension's permissions.
        origin = event.origin;
        break;
      case "theme": theme(data.payload.theme); kept("theme", state.theme); break;
      case "localeChanged": state.locale = data.payload.locale; kept("locale", state.locale); break;
    }
    emit(data.type, data.payload);
  });
  function theme(name) { state.theme = name === "dark" ? "dark" : "light"; root.dataset.theme = state.theme; }
  function send(type, payload, timeout) { // true and false are the Dashboard's answer, null is none at all.
    if (!framed) return Promise.resolve(null);
    var id = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
    return new Promise(function (done) {
      pending[id] = { done: done, timer: setTimeout(function () { delete pending[id]; done(null); }, timeout || 5000) };
      window.parent.postMessage({ type: type, payload: Object.assign({}, payload, { actionId: id }) }, origin || "*");
    });
  }
  window.SaleorBridge = {
    state: state, framed: framed, kept: kept, send: send,
    origin: function () { return origin; },
    on: function (type, listener) { (listeners[type] = listeners[type] || []).push(listener); },
    ready: function () { return send("notifyReady", {}); },
    notify: function (status, title, text) { return send("notification", { status: status, title: title, text: text }); },
    redirect: function (to, newContext) { return send("redirect", { to: to, newContext: !!newContext }); },
    route: function (path) { return send("updateRouting", { newRoute: path }); },
    closePopup: function () { return send("popupClose", {}); },
    refreshEntity: function () { return send("refreshEntity", {}); },
    autoResize: function (element) {
      var last = 0, measure = function () {
        var height = Math.ceil(Math.max(element.getBoundingClientRect().height, 1));
        if (height !== last) { last = height; send("widgetResize", { height: Math.min(height, 5000) }); }
      };
      new ResizeObserver(measure).observe(element);
      measure();
    },
  };
  // A widget is told no theme; what a page or popup of ours hears reaches it this way.
  window.addEventListener("storage", function (event) { if (event.key === KEY + "theme" && event.newValue) theme(event.newValue); });
  var asked = new URLSearchParams(location.search).get("theme") || kept("theme");
  if (!asked && window.matchMedia && matchMedia("(prefers-color-scheme: dark)").matches) asked = "dark";
  theme(asked || "light");
})();
