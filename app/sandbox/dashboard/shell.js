/* The frames and messages of Saleor Dashboard 3.23.27 as apps meet them; numbers are those of dashboard-facts.md. */
(function () {
  "use strict";
  var MOUNT = "/dashboard", SANDBOX = "allow-same-origin allow-forms allow-scripts allow-downloads allow-popups"; // 0.11
  var data, frames = [], content = document.getElementById("content"), top_ = document.getElementById("top");
  var kept = function (name, value) { if (value === undefined) return localStorage.getItem("shell." + name); localStorage.setItem("shell." + name, value); };
  var shell = window.shell = {
    theme: kept("theme") || "light", locale: kept("locale") || "en", log: [],
    setTheme: function (name) { shell.theme = name; kept("theme", name); paint(); each("theme", { theme: name }); },
    setLocale: function (name) { shell.locale = name; kept("locale", name); each("localeChanged", { locale: name }); },
    setStaff: function (email) { kept("staff", email); },
    refresh: function () { return load().then(function () { frames.forEach(function (frame) { frame.refresh(); }); }); },
    go: go,
  };
  function each(type, payload) { frames.forEach(function (frame) { if (frame.shaken) frame.say(type, payload); }); }
  function paint() { document.documentElement.dataset.theme = shell.theme; }
  function load() {
    return fetch(MOUNT + "/data.json?staff=" + encodeURIComponent(kept("staff") || "")).then(function (answer) { return answer.json(); })
      .then(function (found) { data = found; });
  }
  function app(id) { return data.apps.find(function (one) { return one.id === id; }); }
  function token(of) { // The same extension or app again, with its newest token.
    var found = of.mount ? data.apps.reduce(function (all, one) { return all.concat(one.extensions); }, []) : data.apps;
    return (found.find(function (one) { return one.id === of.id; }) || {}).accessToken;
  }
  function query(parts) { return Object.keys(parts).map(function (name) { return encodeURIComponent(name) + "=" + encodeURIComponent(parts[name]); }).join("&"); }
  function context(owner, params) { // 2: what every GET frame gets, behind the Dashboard's own query (0.9).
    var own = location.search.replace(/^\?/, "");
    var flags = "featureFlags%5Bshell%5D%5Benabled%5D=true&featureFlags%5Bshell%5D%5Bpayload%5D=1";
    return [own, query({ domain: new URL(data.apiUrl).host, saleorApiUrl: data.apiUrl, id: owner.id }), query(params || {}), flags].filter(Boolean).join("&");
  }
  function join(url, text) { return url + (url.indexOf("?") < 0 ? "?" : "&") + text; }

  /* A frame that is asked for by GET: an app page, a popup, or a GET widget. */
  function Frame(owner, of, url, params, refreshes) {
    var frame = this, address = join(url, context(owner, params));
    this.owner = owner; this.of = of; this.refreshes = refreshes; this.shaken = false; this.told = false;
    this.element = document.createElement("iframe");
    this.element.setAttribute("sandbox", SANDBOX);
    this.element.title = of.label || owner.name;
    this.origin = new URL(url).origin;
    this.element.src = address; // 0.1: at first without a theme ...
    setTimeout(function () { frame.element.src = address + "&theme=" + shell.theme; }, 0); // ... and at once again with it.
    this.element.addEventListener("load", function () { frame.handshake(); }); // 0.6
    this.listener = function (event) {
      if (event.origin !== frame.origin || !event.data || !event.data.type) return; // 0.4: not the source, so every frame of the origin
      frame.act(event.data.type, event.data.payload || {});
    };
    window.addEventListener("message", this.listener);
    frames.push(this);
  }
  Frame.prototype.say = function (type, payload) {
    if (this.element.contentWindow) this.element.contentWindow.postMessage({ type: type, payload: payload }, this.origin);
  };
  Frame.prototype.handshake = function () {
    this.given = this.refreshes || this.given === undefined ? token(this.of) : this.given; // 0.7: a popup keeps the one it had
    this.say("handshake", { token: this.given, version: 1, saleorVersion: this.of.target === "WIDGET" ? "" : data.saleorVersion, dashboardVersion: "v3.23.27" });
    this.shaken = true;
    if (this.told) return; // 0.6: theme and locale once only
    this.told = true;
    this.say("localeChanged", { locale: shell.locale });
    this.say("theme", { theme: shell.theme });
  };
  Frame.prototype.refresh = function () {
    if (this.refreshes) { this.given = token(this.of); this.say("tokenRefresh", { token: this.given }); }
  };
  Frame.prototype.answer = function (payload, ok) { this.say("response", { actionId: payload.actionId, ok: ok }); };
  Frame.prototype.act = function (type, payload) {
    shell.log.push({ type: type, payload: payload, frame: this.of.id });
    var known = { notifyReady: 1, notification: 1, redirect: 1, updateRouting: 1, popupClose: 1, widgetResize: 1, refreshEntity: 1, requestPermissions: 1, openPopup: 1 };
    if (!known[type]) return; // an unknown one gets no answer
    var ok = true;
    if (type === "notifyReady") this.handshake();
    else if (type === "notification") toast(payload);
    else if (type === "redirect") ok = redirect(payload);
    else if (type === "updateRouting") { if (!this.of.mount || this.of.target === "APP_PAGE") history.pushState(null, "", MOUNT + "/extensions/app/" + encodeURIComponent(this.owner.id) + "/" + payload.newRoute.replace(/^\//, "")); }
    else if (type === "popupClose") closePopup();
    else if (type === "widgetResize") { if (payload.height > 0) this.element.style.height = Math.min(payload.height, 5000) + "px"; }
    else if (type === "refreshEntity") shell.refreshed = (shell.refreshed || 0) + 1;
    else if (type === "requestPermissions") ok = (payload.permissions || []).length > 0;
    else if (type === "openPopup") ok = false;
    this.answer(payload, ok);
  };
  Frame.prototype.close = function () { window.removeEventListener("message", this.listener); };

  /* A widget that is asked for by POST: the token is in the body; afterwards it is told of newer tokens only (0.3). */
  function Posted(owner, of, params) {
    var frame = this, name = "posted-" + frames.length;
    this.owner = owner; this.of = of; this.shaken = false; this.origin = new URL(of.url).origin;
    this.element = document.createElement("iframe");
    this.element.name = name; this.element.title = of.label; this.element.setAttribute("sandbox", SANDBOX);
    this.form = document.createElement("form");
    this.form.method = "post"; this.form.action = of.url; this.form.target = name; this.form.hidden = true;
    var fields = Object.assign({ saleorApiUrl: data.apiUrl, accessToken: of.accessToken, appId: owner.id }, params);
    Object.keys(fields).forEach(function (field) {
      var input = document.createElement("input");
      input.name = field; input.value = fields[field]; frame.form.append(input);
    });
    this.listener = function (event) {
      if (event.source !== frame.element.contentWindow || event.origin !== frame.origin || !event.data || event.data.type !== "widgetResize") return;
      shell.log.push({ type: event.data.type, payload: event.data.payload, frame: of.id });
      if (of.mount !== "HOMEPAGE_WIDGETS") frame.element.style.height = Math.min(event.data.payload.height, 5000) + "px";
      frame.element.contentWindow.postMessage({ type: "response", payload: { actionId: event.data.payload.actionId, ok: true } }, frame.origin);
    };
    window.addEventListener("message", this.listener);
    frames.push(this);
  }
  Posted.prototype.refresh = function () { this.element.contentWindow.postMessage({ type: "tokenRefresh", payload: { token: token(this.of) } }, this.origin); };
  Posted.prototype.close = Frame.prototype.close;
  Posted.prototype.begin = function () { document.body.append(this.form); this.form.submit(); };

  function toast(payload) {
    var all = document.getElementById("toasts"), text = payload.text || payload.apiMessage || "", key = payload.status + "|" + payload.title;
    Array.prototype.forEach.call(all.children, function (old) { if (old.dataset.key === key) old.remove(); });
    var made = document.createElement("div");
    made.dataset.key = key; made.className = payload.status || "info";
    made.textContent = [payload.title, text].filter(Boolean).join(": ");
    all.append(made);
    while (all.children.length > 3) all.firstChild.remove();
    if (payload.status !== "error") setTimeout(function () { made.remove(); }, 5000);
  }
  function redirect(payload) {
    var to = payload.to || "";
    if (to.charAt(0) === "/") {
      if (payload.newContext) window.open(MOUNT + to); else { closePopup(); go(to); }
      return true;
    }
    if (new URL(to).origin === location.origin) return false;
    if (payload.newContext) { window.open(to); return true; }
    return window.confirm("You are about to leave the Dashboard.") && (location.href = to, true);
  }

  /* --- Pages ------------------------------------------------------------------------------------------------------------ */
  function go(path) { history.pushState(null, "", MOUNT + path); route(); }
  window.addEventListener("popstate", route);
  function extensions(test) {
    return data.apps.reduce(function (all, owner) {
      return all.concat(owner.extensions.filter(test).map(function (one) { return { owner: owner, of: one }; }));
    }, []);
  }
  function link(text, path, kind) {
    var made = document.createElement("a");
    made.textContent = text; made.href = MOUNT + path; made.className = kind || "";
    made.addEventListener("click", function (event) { event.preventDefault(); go(path); });
    return made;
  }
  function pageOf(owner, of) { return "/extensions/app/" + encodeURIComponent(owner.id) + (of ? of.url : ""); }
  function sidebar() {
    var side = document.getElementById("side");
    side.replaceChildren(link("Home", "/"));
    [["Catalog", "/products", "CATALOG"], ["Fulfillment", "/orders", "ORDERS"], ["Customers", "/customers", "CUSTOMERS"]].forEach(function (one) {
      side.append(link(one[0], one[1]));
      // Only menus are filtered by permission (0.8).
      extensions(function (found) { return found.mount === "NAVIGATION_" + one[2] && found.allowed; }).forEach(function (entry) {
        side.append(link(entry.of.label, pageOf(entry.owner, entry.of), "app"));
      });
    });
    data.apps.filter(function (owner) { return owner.appUrl; }).forEach(function (owner) { side.append(link(owner.name, pageOf(owner), "")); });
    var flip = document.createElement("button");
    flip.textContent = "Theme"; flip.onclick = function () { shell.setTheme(shell.theme === "dark" ? "light" : "dark"); };
    var talk = document.createElement("button");
    talk.textContent = "Language"; talk.onclick = function () { shell.setLocale(shell.locale === "de" ? "en" : "de"); };
    side.append(flip, talk);
  }
  function title(text, menu) {
    var named = document.createElement("span"), actions = document.createElement("span");
    named.textContent = text; actions.className = "menu";
    (menu || []).forEach(function (button) { actions.append(button); });
    top_.replaceChildren(named, actions);
  }
  function clear() { frames.forEach(function (frame) { frame.close(); if (frame.form) frame.form.remove(); }); frames = shell.frames = []; content.replaceChildren(); content.className = ""; }
  function widget(entry, params, into) {
    var box = document.createElement("section"), head = document.createElement("h4");
    box.className = "widget"; head.textContent = entry.of.label;
    var home = entry.of.mount === "HOMEPAGE_WIDGETS";
    var chosen = (entry.of.options[home ? "homeWidgetTarget" : "widgetTarget"] || {}).method || (home ? "POST" : "GET"); // 0.18
    var frame;
    if (chosen === "POST") frame = new Posted(entry.owner, entry.of, params);
    else frame = new Frame(entry.owner, entry.of, join(entry.of.url, context(entry.owner, params)), params, true); // 0.10: twice
    box.append(head, frame.element);
    into.append(box);
    if (frame.begin) frame.begin();
  }
  function openPopup(entry, params) {
    var box = document.getElementById("popup"), frame = new Frame(entry.owner, entry.of, entry.of.url, params, false);
    document.getElementById("popup-title").textContent = entry.of.label;
    document.getElementById("popup-body").replaceChildren(frame.element);
    box.showModal();
  }
  function closePopup() {
    var box = document.getElementById("popup");
    document.getElementById("popup-body").replaceChildren();
    frames = shell.frames = frames.filter(function (frame) { if (frame.element.isConnected) return true; frame.close(); return false; });
    box.close();
  }
  document.getElementById("popup-close").onclick = closePopup;
  function detail(place, row) {
    var params = {};
    params[data.subjects[place]] = row.id;
    title(row.name, extensions(function (one) { return one.mount === place + "_MORE_ACTIONS"; }).map(function (entry) {
      var button = document.createElement("button");
      button.textContent = entry.of.label; button.onclick = function () { openPopup(entry, params); };
      return button;
    }));
    var left = document.createElement("div"), right = document.createElement("aside");
    left.textContent = row.id;
    content.className = "detail"; content.append(left, right);
    extensions(function (one) { return one.mount === place + "_WIDGETS"; }).forEach(function (entry) { widget(entry, params, right); });
  }
  function list(name, rows) {
    title(name);
    content.className = "list";
    rows.forEach(function (row) { content.append(link(row.name, "/" + name.toLowerCase() + "/" + encodeURIComponent(row.id))); });
  }
  function route() {
    var path = location.pathname.slice(MOUNT.length) || "/", parts = path.split("/").filter(Boolean).map(decodeURIComponent);
    clear();
    sidebar();
    if (parts[0] === "extensions" && parts[1] === "app") {
      var owner = app(parts[2]), deep = path.split("/").slice(4).join("/");
      title(owner.name);
      content.className = "app-page";
      var frame = new Frame(owner, owner, owner.appUrl + (deep ? "/" + deep : ""), {}, true);
      content.append(frame.element);
    } else if (parts.length === 2) {
      var one = data[parts[0]].find(function (row) { return row.id === parts[1]; });
      detail({ orders: "ORDER_DETAILS", customers: "CUSTOMER_DETAILS", products: "PRODUCT_DETAILS" }[parts[0]], one);
    } else if (parts.length === 1) {
      list(parts[0].charAt(0).toUpperCase() + parts[0].slice(1), data[parts[0]]);
    } else {
      title("Home");
      content.className = "home";
      extensions(function (found) { return found.mount === "HOMEPAGE_WIDGETS" && found.allowed; }).forEach(function (entry) { widget(entry, {}, content); });
    }
    shell.frames = frames;
  }
  paint();
  load().then(function () {
    route();
    shell.ready = true;
    setInterval(function () { shell.refresh(); }, 240000); // 5: before the tokens end
  });
})();
