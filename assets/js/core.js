/* What every part of the page shares: elements, icons, words, memory, and the bus between parts.
   User-made text only ever enters the page through text nodes; nothing here builds HTML from a value. */
(() => {
  const parts = {};
  const bus = new EventTarget();
  const known = {};
  const written = new Map(); // part → its props and the value it has given itself
  const SAME_PRESS = 600; // ms; systems take two clicks within 500 for a double click
  const ICONS = {
    plus: "M8 2.5v11M2.5 8h11",
    close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
    flip: "M3 5.5h9l-2.5-2.5M13 10.5H4l2.5 2.5",
    swap: "M2.5 6h9L9 3.5M13.5 10h-9L7 12.5",
    left: "M10 3L5 8l5 5",
    right: "M6 3l5 5-5 5",
    dice: "M3 3h10v10H3zM5.8 5.8h.01M10.2 5.8h.01M8 8h.01M5.8 10.2h.01M10.2 10.2h.01",
    loop: "M12.5 6A5 5 0 1 0 13 9M12.8 2.5V6H9.4",
    brush: "M13 2.5c-3 1.5-5.5 4-6.5 6l1.5 1.5c2-1 4.5-3.5 6-6.5zM6 9c-2 0-2 2.5-4 4 2.5.8 5.5 0 5.5-2.5",
    retry: "M3.2 5.5A5.4 5.4 0 1 1 2.6 8.4M3 2.4v3.3h3.3",
    star: "M8 2.2l1.8 3.7 4 .6-2.9 2.8.7 4L8 11.4l-3.6 1.9.7-4L2.2 6.5l4-.6z",
    down: "M8 2.5v8M4.8 7.6L8 10.8l3.2-3.2M3 13.5h10",
    bin: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.8M9.2 7v3.8",
    folder: "M2.5 4.5v8h11v-7H8L6.5 3.5h-4z",
    person: "M8 2.8a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM3 13.2c.4-2.6 2.4-4 5-4s4.6 1.4 5 4",
    exit: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
    photo: "M2.5 3.5h11v9h-11zM2.5 10.5l3.2-3 2.8 2.5 2-1.5 3 2.5M10.5 6.2h.01",
    sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
    moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
    half: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
    sliders: "M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6M10 3.5v3M6 9.5v3",
    wait: "M8 4.5V8l2.3 1.8M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
    alert: "M8 5.5v3.5M8 11.2h.01M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
    check: "M3.5 8.5l3 3 6-7",
    chevron: "M4 6l4 4 4-4",
    undo: "M6 3L2.8 6.2 6 9.4M3 6.2h6.2a3.6 3.6 0 0 1 0 7.2H6",
    redo: "M10 3l3.2 3.2L10 9.4M13 6.2H6.8a3.6 3.6 0 0 0 0 7.2H10",
    stop: "M4.5 4.5h7v7h-7z",
    play: "M5 3.2v9.6L12.5 8z",
    pause: "M5.5 3.5v9M10.5 3.5v9",
    before: "M11 4L6 8l5 4zM4.5 4v8",
    after: "M5 4l5 4-5 4zM11.5 4v8",
    sound: "M2.8 6.3v3.4h2.4L8.5 12.5v-9L5.2 6.3zM10.8 5.8a3.2 3.2 0 0 1 0 4.4M12.4 4a5.6 5.6 0 0 1 0 8",
    silent: "M2.8 6.3v3.4h2.4L8.5 12.5v-9L5.2 6.3zM10.8 6.2l3.4 3.6M14.2 6.2l-3.4 3.6",
    loupe: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.4 10.4l3.2 3.2",
    scissors: "M4.2 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zM11.8 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zM5.2 10.5L11.5 2.5M10.8 10.5L4.5 2.5",
    send: "M2.5 7.5l11-5-4 11-2.2-4.6zM7.3 8.9l2.7-2.8",
    grid: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  };

  function h(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "class") node.className = value;
      else if (key === "style") for (const [name, one] of Object.entries(value)) node.style.setProperty(name, one);
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key in node && typeof value === "boolean") node[key] = value;
      else if (key === "value" || key === "muted" || key === "loop") node[key] = value;
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
    return node;
  }

  function icon(name, size = 16) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("width", size);
    svg.setAttribute("height", size);
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "icon icon-" + name);
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  /* What a browser remembers: `memory` for all of its tabs, `session` for this one alone, also after it is loaded again. */
  const remember = (store) => ({
    get(key, otherwise) {
      try {
        return JSON.parse(store().getItem("stir." + key)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    set(key, value) {
      try {
        store().setItem("stir." + key, JSON.stringify(value));
      } catch {
        /* a private window may refuse; the page works without memory */
      }
    },
  });
  const memory = remember(() => localStorage);
  const session = remember(() => sessionStorage);

  const OWNED = 1000;
  const own = new Set(session.get("own", []));

  const Stir = {
    parts,
    h,
    icon,
    memory,
    session,
    /* Gradio loses what a part writes while it is being mounted. So what each part has written is kept here, and written
       once more before anything is sent: the studio gets what the page shows. */
    mount(name, part) {
      const given = JSON.parse(part.props.given); // what never changes
      const props = new Proxy(part.props, {
        get: (target, key) => (key in given ? given[key] : target[key]),
        set(target, key, value) {
          if (key === "value") written.set(name, { target, value });
          target[key] = value;
          return true;
        },
      });
      function trigger(...said) {
        for (const { target, value } of written.values()) target.value = structuredClone(value);
        part.trigger(...said);
      }
      parts[name]({ ...part, props, trigger });
    },
    /* What parts have written, by the names the studio knows them by: `names` is name → part. */
    values: (names) => Object.fromEntries(Object.entries(names).map(([name, part]) => [name, written.get(part)?.value ?? null])),
    /* A press that counts once. `run(press)` gets an id of its own; presses while it runs, and those that follow so soon that they
       belong to a double click or a held key, are the same press. `paint(busy)` when that begins and ends. */
    once(run, paint = () => {}) {
      let busy = false;
      return async (...values) => {
        if (busy) return;
        paint((busy = true));
        const moment = new Promise((go) => setTimeout(go, SAME_PRESS));
        try {
          await run(Stir.press(), ...values);
        } finally {
          await moment;
          paint((busy = false));
        }
      };
    },
    press: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    /* A state others may need later: kept, and told to whoever asks afterwards. */
    tell(topic, value) {
      known[topic] = value;
      bus.dispatchEvent(new CustomEvent(topic, { detail: value }));
    },
    /* A moment: only those listening now hear it. */
    emit: (topic, value) => bus.dispatchEvent(new CustomEvent(topic, { detail: value })),
    on(topic, hear) {
      bus.addEventListener(topic, (event) => hear(event.detail));
      if (topic in known) hear(known[topic]);
    },
    now: (topic) => known[topic],
    /* Jobs that this tab has begun, and groups of them: what it follows and what its keys stop. Others' are shown in the strip. */
    claim(ids) {
      for (const id of [ids].flat()) id && own.add(id);
      session.set("own", [...own].slice(-OWNED));
    },
    isOwn: (job) => own.has(job.id) || own.has(job.group),
    /* A photo's picture laid so that its crop fills the box around it. Answers the crop's shape, width over height. */
    cut(picture, { view, width, height, crop: { x, y, w, h: tall } }) {
      if (picture.dataset.view !== view) (picture.src = Stir.file(view)), (picture.dataset.view = view);
      Object.assign(picture.style, { width: 100 / w + "%", height: 100 / tall + "%", left: (-x / w) * 100 + "%", top: (-y / tall) * 100 + "%" });
      return (width * w) / (height * tall);
    },
    file: (path) => (path ? "gradio_api/file=" + path.split("/").map(encodeURIComponent).join("/") : ""),
    calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
    clamp: (value, low, high) => Math.max(low, Math.min(high, value)),
    clock(seconds) {
      const whole = Math.max(0, Math.round(seconds));
      return Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
    },
    /* A picture that came as a data URL, or nothing: only what can be a picture and nothing else. */
    picture: (url) => (/^data:image\/(webp|png|jpeg);base64,[A-Za-z0-9+/=]+$/.test(url ?? "") ? url : ""),
    bytes: (count) => (count >= 1e6 ? (count / 1e6).toFixed(1) + " MB" : Math.max(1, Math.round(count / 1e3)) + " kB"),
    say(words) {
      const live = document.getElementById("stir-live");
      if (live && live.textContent !== words) live.textContent = words;
    },
    /* A call to the studio. Answers the result, or null after telling the refusal at its place. */
    async ask(call, value, where = "page") {
      let answer = await call(value).catch(() => undefined); // where the request fails, Gradio answers with nothing at all
      if (answer === undefined) {
        answer = { refusal: { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." } };
      }
      if (answer && answer.refusal) {
        Stir.emit("refusal", { where, ...answer.refusal });
        return null;
      }
      if (answer?.job || answer?.jobs) Stir.claim(answer.job ?? answer.jobs);
      return answer;
    },
    /* Send a file. Answers with its path, or with the refusal: why the studio could not keep it, as far as it has said so. Gradio's own
       way would say it once more, in a corner and with the status. */
    async send(file) {
      const body = new FormData();
      body.append("files", file);
      const answer = await fetch("gradio_api/upload", { method: "POST", body }).catch(() => null);
      const said = await answer?.json().catch(() => null);
      if (answer?.ok && said?.[0]) return { path: said[0] };
      return { refusal: { reason: `${file.name} did not arrive.`, remedy: said?.error || "See that the studio still runs, then add it again." } };
    },
    /* A call to the studio that is given the path of a file, which is sent before. */
    carry: (file, call) => async (value) => {
      const { path, refusal } = await Stir.send(file);
      return refusal ? { refusal } : call({ path, ...value });
    },
    /* A sheet that only some open: its script and its style come when it is opened first. `call` answers with them and with what the
       sheet is given; null where it did not. */
    async fetchSheet(call) {
      const come = await Stir.ask(call, {});
      if (!come) return null;
      document.head.append(h("style", {}, come.style), h("script", {}, come.script));
      return come.given;
    },
    /* Draw again without losing the keyboard's place: whoever had the focus gets it back, known by tag and name. */
    redraw(root, draw) {
      const name = (one) => one.tagName + (one.getAttribute("aria-label") ?? one.textContent);
      const held = root.contains(document.activeElement) ? name(document.activeElement) : null;
      draw();
      if (held) [...root.querySelectorAll("button, select, input")].find((one) => name(one) === held)?.focus({ preventScroll: true });
    },
    later(run, wait) {
      let timer = 0;
      return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => run(...values), wait);
      };
    },
    /* What can be done instead, as a button for the note of a refusal; null where nothing can. */
    offer: (refusal, run) => (refusal.offer === "open_damaged" ? Stir.button("Open what is there", { class: "solid open-damaged", onclick: run }) : null),
    /* A message where the mistake is: `note.show(refusal)`, `note.add(another)`, `note.clear()`. `act` is a button behind it. */
    note() {
      const lines = h("div", { class: "note-lines" });
      const away = h("button", { class: "ghost tiny", type: "button", "aria-label": "Dismiss", onclick: () => clear() }, icon("close", 12));
      const node = h("div", { class: "note", role: "alert", hidden: true }, icon("alert"), lines, away);
      const clear = () => ((node.hidden = true), lines.replaceChildren());
      function add({ reason, remedy, act }) {
        const line = h("p", {}, h("strong", {}, reason), remedy ? " " + remedy : "", act ?? "");
        act?.addEventListener("click", () => (line.remove(), lines.childElementCount || clear())); // it is being done
        lines.append(line);
        node.hidden = false;
      }
      return { node, clear, add, show: (refusal) => (lines.replaceChildren(), add(refusal)) };
    },
    button(words, props = {}, picture = null) {
      return h("button", { type: "button", ...props }, picture ? icon(picture) : null, words ? h("span", {}, words) : null);
    },
    /* One of several: a row of toggle buttons. `choose(value)` after a click; `paint(value)` shows the chosen one. */
    segments(label, options, choose) {
      const node = h("div", { class: "segments", role: "group", "aria-label": label });
      for (const [value, words, hint] of options)
        node.append(h("button", { type: "button", "data-value": value, title: hint, "aria-pressed": "false", onclick: () => choose(value) }, words));
      const paint = (value) => node.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.value === String(value))));
      return { node, paint };
    },
    slider(label, props, slide) {
      const input = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": label, ...props });
      const paint = () => input.style.setProperty("--at", ((input.value - input.min) / (input.max - input.min)) * 100 + "%");
      input.addEventListener("input", () => (paint(), slide(Number(input.value))));
      paint();
      input.paint = (value) => ((input.value = value), paint());
      return input;
    },
    menu(label, options, value, choose, props = {}) {
      const select = h("select", { "aria-label": label, ...props, onchange: () => choose(select.value) });
      for (const [key, words] of options) select.append(h("option", { value: key }, words));
      select.value = value;
      return select;
    },
    fold(title, ...children) {
      return h("details", { class: "fold" }, h("summary", {}, h("span", {}, title)), ...children);
    },
    toggle(label, on, change, props = {}) {
      const input = h("input", { type: "checkbox", role: "switch", onchange: () => change(input.checked) });
      input.checked = on;
      const node = h("label", { class: "switch", ...props }, input, h("i", {}), h("span", {}, label));
      node.paint = (value) => (input.checked = value);
      return node;
    },
  };
  window.Stir = Stir;

  /* Light, dark, or as the system says; Gradio's own few pieces follow through its .dark class. */
  const system = matchMedia("(prefers-color-scheme: dark)");
  Stir.look = {
    get: () => memory.get("look", null) ?? memory.get("begins-look", "system"),
    /* For this browser; null follows Settings again. */
    set(look) {
      memory.set("look", look);
      Stir.look.paint();
      Stir.tell("look", Stir.look.get());
    },
    paint() {
      const look = Stir.look.get();
      const dark = look === "dark" || (look === "system" && system.matches);
      document.documentElement.dataset.look = dark ? "darkroom" : "lightbox";
      document.body?.classList.toggle("dark", dark);
    },
  };
  Stir.on("defaults", ({ look }) => (memory.set("begins-look", look), Stir.look.paint(), Stir.tell("look", Stir.look.get())));
  system.addEventListener("change", Stir.look.paint);
  Stir.look.paint();
  /* Gradio sets its own .dark class while it mounts; ours has the last word. */
  new MutationObserver(() => {
    const dark = document.documentElement.dataset.look === "darkroom";
    if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  }).observe(document.body ?? document.documentElement, { attributes: true, attributeFilter: ["class"] });

  /* Escape stops the job, except where it is a box's, a slider's or a menu's own key. */
  const OWN = "input, select, textarea, video, [contenteditable], [role=slider], [role=listbox], [role=menu]";
  Stir.stops = (target) => !document.fullscreenElement && !(target instanceof Element && target.closest(OWN));

  /* The two keys of the desk. They mean nothing while another tab or a dialog is in front of it. */
  addEventListener("keydown", (event) => {
    const inFront = document.getElementById("desk")?.offsetParent && !document.querySelector("dialog[open]");
    if (!inFront || event.isComposing || event.defaultPrevented) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) Stir.emit("animate");
    } else if (event.key === "Escape" && Stir.now("painting")) Stir.emit("end-brush");
    else if (event.key === "Escape" && Stir.stops(event.target)) Stir.emit("stop");
  });
})();
