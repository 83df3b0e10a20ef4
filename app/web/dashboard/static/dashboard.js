/* The staff's pages inside a frame of the Dashboard: session, navigation, forms, dialogs, tables that remember. Needs htmx, bridge.js. */
(function () {
  "use strict";
  var bridge = window.SaleorBridge, htmx = window.htmx, root = document.documentElement, body = document.body;
  var base = body.dataset.base, frame = root.dataset.frame, target = document.getElementById("page");
  var session = null, deadline = 0, token = null, renewing = null, shown = false;
  htmx.config.historyEnabled = false; // Pages hold data of customers: none of it is kept in the browser.
  htmx.config.allowEval = false;
  htmx.config.selfRequestsOnly = true;
  htmx.config.scrollIntoViewOnBoost = false;
  htmx.config.responseHandling = [{ code: "204", swap: false }, { code: "401", swap: false }, { code: "...", swap: true }];

  function words(name) { return body.dataset[name + (language() === "de" ? "De" : "En")]; }
  function language() { return /^de\b/.test(bridge.state.locale || navigator.language || "") ? "de" : "en"; }
  function headers(known) {
    var made = { "Dashboard-Session": known, "Dashboard-Frame": frame, "Dashboard-Zone": Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" };
    if (bridge.state.locale) made["Dashboard-Locale"] = bridge.state.locale;
    return made;
  }

  // --- The session: a token of the Dashboard, exchanged at once ------------------------------------------------------
  function take(value, seconds) { session = value; deadline = Date.now() + seconds * 1000; }
  function exchange(given) {
    token = given;
    var asked = headers("-");
    asked.Authorization = "Bearer " + given;
    asked["Dashboard-Origin"] = bridge.origin() || "";
    return fetch(base + "/session", { method: "POST", headers: asked, credentials: "omit" }).then(function (answer) {
      if (!answer.ok) return false;
      return answer.json().then(function (made) { take(made.session, made.seconds); return true; });
    }, function () { return false; });
  }
  function renew() { // In a popup the Dashboard repeats the token it gave at first, which may be over by now.
    if (!renewing) {
      renewing = new Promise(function (done) {
        var timer = setTimeout(function () { done(false); }, 5000);
        wanted.push(function (well) { clearTimeout(timer); done(well); });
        bridge.ready();
      }).then(function (well) { renewing = null; return well; });
    }
    return renewing;
  }
  var wanted = [];
  function fresh(given) {
    if (given === token && session && Date.now() < deadline - 60000 && !wanted.length) return;
    exchange(given).then(function (well) {
      wanted.splice(0).forEach(function (done) { done(well); });
      if (!shown) { shown = true; if (well) open(start()); else problem(words("expired")); }
    });
  }
  bridge.on("handshake", function (said) { if (said.token) fresh(said.token); else refused(); });
  bridge.on("tokenRefresh", function (said) { if (said.token) fresh(said.token); });
  bridge.on("localeChanged", function () {
    if (!shown || !target.querySelector("[data-title]") || target.lang === language() || target.querySelector("form.changed, dialog[open]")) return;
    open(path());
  });
  function refused() { if (!shown) { shown = true; load(base + "/refused", "-"); } }
  function load(address, known) {
    fetch(address, { headers: headers(known), credentials: "omit" }).then(function (answer) { return answer.text(); })
      .then(function (text) { htmx.swap(target, text, { swapStyle: "innerHTML" }); arrived(); });
  }

  // --- Navigation: one document, whose address and the Dashboard's follow what is shown -------------------------------
  var context = /^(domain|saleorApiUrl|id|theme|appId|accessToken|asc|sort|notice|featureFlags.*)$/;
  function own(address) { // Without what the Dashboard put into it, and what is told once.
    var made = new URL(address, location.origin), kept = new URLSearchParams();
    made.searchParams.forEach(function (value, name) { if (!context.test(name)) kept.append(name, value); });
    return made.pathname + (kept.toString() ? "?" + kept : "");
  }
  function start() { // `appUrl` itself has no slash at its end.
    var here = own(location.href);
    return recalled(here.split("?")[0] === base ? base + "/" : here);
  }
  function path() { return own(location.href); }
  function open(address) { return htmx.ajax("GET", address, { target: "#page", swap: "innerHTML" }); }
  function recalled(address) { // A table opens as it was left.
    var last = bridge.kept("table:" + address);
    return address.indexOf("?") < 0 && last ? address + last : address;
  }
  function arrived(address) {
    var page = target.querySelector("[data-title]"), told = target.querySelector("#notice");
    body.classList.remove("starting");
    target.setAttribute("aria-busy", "false");
    if (page) { document.title = page.dataset.title; target.lang = page.lang || root.lang; root.lang = target.lang; }
    if (address && frame !== "widget") {
      var here = own(address);
      if (here !== path() || /[?&]notice=/.test(location.search)) history.replaceState(null, "", here);
      if (frame === "page") bridge.route(here.slice(base.length).replace(/^\//, ""));
      if (target.querySelector("[data-remember]")) remember(here);
    }
    if (told) {
      if (frame !== "widget") bridge.notify(told.dataset.status, told.textContent.trim()).then(function (well) { if (well) told.hidden = true; });
      if (frame === "popup") bridge.refreshEntity();
    }
  }
  function remember(here) {
    var at = new URL(here, location.origin);
    at.searchParams.delete("cursor");
    var kept = at.searchParams.toString();
    bridge.kept("table:" + at.pathname, kept ? "?" + kept : null);
  }

  // --- Requests ---------------------------------------------------------------------------------------------------------
  function on(name, listener) { document.addEventListener("htmx:" + name, listener); }
  on("confirm", function (event) { // A request waits for a session that lasts long enough; a form loses nothing.
    if (!session || Date.now() < deadline - 20000) return;
    event.preventDefault();
    renew().then(function () { event.detail.issueRequest(true); });
  });
  on("configRequest", function (event) {
    Object.assign(event.detail.headers, headers(session || "-"));
    var from = event.detail.elt;
    if (event.detail.verb !== "get") return;
    if (from.dataset && "forget" in from.dataset) bridge.kept("table:" + event.detail.path.split("?")[0], null);
    else if (from.matches && from.matches("a")) event.detail.path = recalled(event.detail.path);
  });
  function quiet(from) { return !!from && !!from.dataset && "quiet" in from.dataset; } // It asks by itself, again and again; nobody waits for it.
  on("beforeRequest", function (event) {
    if (quiet(event.detail.elt)) return;
    target.setAttribute("aria-busy", "true");
    disabled(event.detail.elt, true);
  });
  on("afterRequest", function (event) {
    if (quiet(event.detail.elt)) return;
    target.setAttribute("aria-busy", "false");
    disabled(event.detail.elt, false);
  });
  on("xhr:progress", function (event) { // How much of a file is sent.
    var bar = event.target.querySelector && event.target.querySelector("progress.upload");
    if (!bar || !event.detail.lengthComputable || event.detail.loaded < 100000) return;
    bar.hidden = event.detail.loaded >= event.detail.total;
    bar.value = 100 * event.detail.loaded / event.detail.total;
  });
  function disabled(form, off) {
    if (!form || !form.matches || !form.matches("form[method=post]")) return;
    form.querySelectorAll("button").forEach(function (button) { button.disabled = off; });
    if (off) form.querySelectorAll(".problem").forEach(function (place) { place.replaceChildren(); });
  }
  on("beforeSwap", function (event) {
    var detail = event.detail, request = detail.requestConfig;
    if (quiet(request.elt)) {
      detail.shouldSwap = detail.xhr.status < 400;
    } else if (detail.xhr.status === 401) {
      detail.shouldSwap = false;
      again(request);
    } else if (detail.xhr.status >= 400 && request.verb !== "get") { // Beside the form, which stays as it is.
      var place = (request.elt.closest("dialog, article") || request.elt).querySelector(".problem") || target.querySelector(".problem");
      if (place) { detail.target = place; detail.swapOverride = "innerHTML"; }
    }
  });
  function again(request) {
    var from = request.elt, event = request.triggeringEvent;
    if (from.dataset.again) { delete from.dataset.again; problem(words("expired"), from); return; }
    from.dataset.again = "1";
    renew().then(function (well) {
      if (!well) { delete from.dataset.again; problem(words("expired"), from); }
      else if (from.matches("form[method=post]")) from.requestSubmit(event && event.submitter || undefined);
      else if (from.matches("a, button")) from.click();
      else open(request.path);
    });
  }
  on("afterOnLoad", function (event) { if (event.detail.xhr.status < 400) delete event.detail.elt.dataset.again; });
  on("sendError", function (event) { if (!quiet(event.detail.elt)) problem(words("offline"), event.detail.elt); });
  on("timeout", function (event) { if (!quiet(event.detail.elt)) problem(words("offline"), event.detail.elt); });
  var last = null; // The event comes once for each new element.
  on("afterSettle", function (event) {
    var xhr = event.detail.xhr;
    document.querySelectorAll("form[data-share]").forEach(rest);
    document.querySelectorAll("form[data-framed]").forEach(framed);
    if (event.detail.target === target && xhr && xhr !== last) { last = xhr; arrived(xhr.responseURL); }
  });
  function framed(form) { // What a sandboxed frame shows cannot be asked for with headers: a form fills it, once.
    form.removeAttribute("data-framed");
    form.elements.session.value = session || "";
    form.submit();
  }
  function problem(text, from) {
    var near = from && from.closest && from.closest("dialog[open], form"), place = near && near.querySelector(".problem") || target.querySelector(".problem");
    if (!place) { place = document.createElement("div"); place.className = "problem"; target.prepend(place); }
    var told = document.createElement("p");
    told.className = "notice bad"; told.setAttribute("role", "alert"); told.textContent = text;
    place.replaceChildren(told);
    body.classList.remove("starting");
  }

  // --- What is pressed and typed ------------------------------------------------------------------------------------------
  document.addEventListener("click", function (event) {
    var one = event.target.closest("[data-dialog], [data-close], [data-download], [data-open], [data-to], [data-close-popup]");
    if (!one) return;
    if (one.dataset.dialog) { document.getElementById(one.dataset.dialog).showModal(); return; }
    if ("close" in one.dataset) { one.closest("dialog").close(); return; }
    event.preventDefault();
    event.stopPropagation(); // htmx would follow the link as well
    if (one.dataset.open) opened(one);
    else if (one.dataset.to) bridge.redirect(one.dataset.to, "newTab" in one.dataset);
    else if ("closePopup" in one.dataset) bridge.closePopup();
    else download(one);
  }, true);
  function download(link) { // A frame cannot show a PDF (dashboard-facts 0.12); it is saved.
    fetch(link.href, { headers: headers(session || "-"), credentials: "omit" }).then(function (answer) {
      if (answer.status === 401) return renew().then(function (well) { if (well) download(link); });
      if (!answer.ok) return answer.text().then(function (text) { problem(new DOMParser().parseFromString(text, "text/html").body.textContent.trim(), link); });
      return answer.blob().then(function (content) {
        var named = /filename\*=UTF-8''([^;]+)|filename="?([^";]+)/i.exec(answer.headers.get("Content-Disposition") || "") || [];
        var made = document.createElement("a");
        made.href = URL.createObjectURL(content);
        made.download = named[1] ? decodeURIComponent(named[1]) : named[2] || "file";
        made.click();
        setTimeout(function () { URL.revokeObjectURL(made.href); }, 60000);
      });
    }, function () { problem(words("offline"), link); });
  }
  function opened(button) { // A tab of its own, by an address that is signed for a few minutes (dashboard-facts 0.12).
    fetch(button.dataset.open, { headers: headers(session || "-"), credentials: "omit" }).then(function (answer) {
      if (answer.status === 401) return renew().then(function (well) { if (well) opened(button); });
      return answer.text().then(function (text) {
        if (answer.ok) bridge.redirect(text, true);
        else problem(new DOMParser().parseFromString(text, "text/html").body.textContent.trim(), button);
      });
    }, function () { problem(words("offline"), button); });
  }
  document.addEventListener("input", function (event) {
    var form = event.target.closest("form[method=post]");
    if (!form) return;
    form.classList.add("changed");
    if (form.dataset.share) rest(form);
  });

  // --- A sum that is shared out: what is left of it, to be read while it is typed; the server reckons by itself -----------
  function amount(text) {
    text = text.replace(/\s/g, "");
    return Number(text.indexOf(".") < 0 ? text.replace(",", ".") : text);
  }
  function rest(form) {
    var digits = (form.dataset.share.split(".")[1] || "").length, place = form.querySelector("[data-left]"), left = Number(form.dataset.share);
    form.querySelectorAll("input.part").forEach(function (part) {
      var given = amount(part.value);
      part.setAttribute("aria-invalid", String(!(given >= 0) || given > Number(part.dataset.open)));
      left -= given || 0;
    });
    left = Number(left.toFixed(digits));
    if (!place) return;
    place.textContent = new Intl.NumberFormat(language(), { style: "currency", currency: form.dataset.currency, currencyDisplay: "code", minimumFractionDigits: digits }).format(left);
    place.classList.toggle("late", left < 0);
  }
  document.addEventListener("click", function (event) { // The oldest debts first, as they stand in the table.
    var button = event.target.closest("[data-fill]"), form = button && button.form;
    if (!form) return;
    var left = Number(form.dataset.share), digits = (form.dataset.share.split(".")[1] || "").length;
    form.querySelectorAll("input.part").forEach(function (part) {
      var given = Math.min(left, Number(part.dataset.open));
      part.value = given > 0 ? given.toFixed(digits).replace(".", language() === "de" ? "," : ".") : "";
      left = Number((left - Math.max(0, given)).toFixed(digits));
    });
    form.classList.add("changed");
    rest(form);
  });
  document.addEventListener("change", function (event) {
    var input = event.target, limit = Number(input.dataset && input.dataset.maxBytes);
    if (input.type !== "file" || !limit || !input.files[0] || input.files[0].size <= limit) return;
    input.value = "";
    problem(words("tooLarge").replace("{limit}", Math.floor(limit / 1048576)), input);
  });

  // --- Beginning ------------------------------------------------------------------------------------------------------------
  if (frame === "widget") {
    shown = true;
    take(body.dataset.session, Number(body.dataset.seconds));
    bridge.autoResize(body);
    if (body.dataset.session && bridge.state.locale && language() !== root.lang) open(body.dataset.here); // No message tells a widget its language.
  } else if (!bridge.framed) {
    body.classList.add("outside");
    body.classList.remove("starting");
  } else {
    bridge.ready();
  }
})();
