/* One undo for the desk. Every part that holds something registers how it is taken and put back; a step is everything that
   changed between one action of the user's hand and the next, answers that came in between included. Nothing outlives the page.

   register(name, { take, put, words }): take() answers a plain value that is never changed afterwards, put(value) sets it back,
   words(before, after) says in a few words what differs, or "" when nothing does that counts; parts are put back in ORDER,
   others after them. step() closes what is open: call it right before something that came late changes the desk, so that it
   is a step of its own. came(name): what this part holds came by itself, which is no step. A text box whose every letter is
   part of the desk says so with `data-undo`: there Ctrl+Z is the desk's, elsewhere it is the box's own. */
(() => {
  const { h, icon } = Stir;
  const MOST = 50;
  const PAUSE = 1000; // letters and notches closer together than this are one step
  const LONG = 5000; // whoever types on and on has a step at every few words
  const ORDER = ["photo", "platform", "output", "ending", "camera", "slots", "effects", "subject", "words", "presets"];
  const FIELD = "input, select, textarea, [role=slider], canvas";
  const parts = new Map();
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  let done = []; // {state, words}: the desk as it was before each step
  let undone = [];
  let base = {}; // the desk at the beginning of the open step
  let hand = false; // whether the open step was begun by the user
  let touched = { target: null, at: 0, down: false, part: "" };

  const names = () => [...parts.keys()].sort((one, other) => place(one) - place(other));
  const place = (name) => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);
  const take = () => Object.fromEntries([...parts].map(([name, part]) => [name, part.take()]));
  const nameStep = (name, before, after) => (name in before && !same(before[name], after[name]) ? (parts.get(name).words ?? (() => name))(before[name], after[name]) : "");
  /* What differs, in words: first of the part that was touched, then of the first that differs. */
  function differs(before, after) {
    return [touched.part, ...names()].filter((name) => parts.has(name)).map((name) => nameStep(name, before, after)).find(Boolean) ?? "";
  }
  function close() {
    const now = take();
    const words = hand ? differs(base, now) : "";
    if (words) {
      done = [...done, { state: base, words }].slice(-MOST);
      undone = [];
    }
    base = now;
    hand = false;
  }
  function begin(target) {
    close();
    hand = true;
    touched = { ...touched, target, since: performance.now(), part: /\bpart-(\w+)/.exec(target?.closest?.(".part")?.className ?? "")?.[1] ?? "" };
  }

  // The user's hand --------------------------------------------------------------------------------------------------------
  const fresh = (event) => event.target !== touched.target || (!touched.down && event.timeStamp - touched.at > PAUSE);
  const rests = (event) => event.key === " " && takesText(event.target) && event.timeStamp - touched.since > LONG;
  const isField = (target) => target instanceof Element && target.matches(FIELD);
  const goes = (event) => (event.ctrlKey || event.metaKey) && !event.altKey && { z: event.shiftKey ? redo : undo, y: redo }[event.key.toLowerCase()];
  function act(event) {
    if (event.target instanceof Element && event.target.closest(".undo")) return;
    if (event.type === "keydown" && (goes(event) || ["Control", "Shift", "Alt", "Meta", "Tab"].includes(event.key))) return;
    const opens = event.type === "pointerdown" || fresh(event) || rests(event) || (event.type === "keydown" && !isField(event.target) && !event.repeat);
    if (event.type === "pointerdown") touched.down = true;
    if (opens) begin(event.target);
    touched.at = event.timeStamp;
  }
  for (const type of ["pointerdown", "keydown", "input", "change", "click", "drop", "paste"]) addEventListener(type, act, true);
  for (const type of ["pointerup", "pointercancel"]) addEventListener(type, (event) => Object.assign(touched, { down: false, at: event.timeStamp }), true);

  // There and back ---------------------------------------------------------------------------------------------------------
  function put(state) {
    for (const name of names()) if (name in state && !same(parts.get(name).take(), state[name])) parts.get(name).put(state[name]);
  }
  function move(from, to, verb) {
    close();
    const step = from().pop();
    if (!step) return Stir.say(`There is nothing to ${verb === "Undone" ? "undo" : "redo"}.`), false;
    to().push({ state: base, words: step.words });
    touched.target = null;
    put(step.state);
    base = take();
    paint();
    Stir.say(`${verb}: ${step.words}.`);
    return true;
  }
  const undo = () => move(() => done, () => undone, "Undone");
  const redo = () => move(() => undone, () => done, "Done again");

  const inFront = () => document.getElementById("desk")?.offsetParent && !document.querySelector("dialog[open]");
  const takesText = (target) => target instanceof Element && target.matches("textarea, input:not([type=range], [type=checkbox], [type=file])");
  addEventListener("keydown", (event) => {
    const run = goes(event);
    if (!run || !inFront() || event.isComposing || (takesText(event.target) && !event.target.closest("[data-undo]"))) return;
    event.preventDefault();
    run();
  });
  /* The browser's own undo, from its menu or by a shake of the phone. */
  addEventListener("beforeinput", (event) => {
    const run = { historyUndo: undo, historyRedo: redo }[event.inputType];
    if (!run || !event.target.closest?.("[data-undo]") || !inFront()) return;
    event.preventDefault();
    run();
  });

  // The buttons ------------------------------------------------------------------------------------------------------------
  const mac = /Mac/.test(navigator.platform);
  const button = (id, picture, run) => h("button", { type: "button", class: "solid undo", id, onclick: run }, icon(picture, 18));
  const back = button("undo", "undo", () => undo());
  const again = button("redo", "redo", () => redo());
  function label(node, verb, keys, words) {
    node.setAttribute("aria-disabled", String(!words));
    node.setAttribute("aria-label", words ? `${verb}: ${words}` : `Nothing to ${verb.toLowerCase()}`);
    node.title = `${node.getAttribute("aria-label")} (${keys})`;
  }
  function paint() {
    const open = hand ? differs(base, take()) : "";
    label(back, "Undo", mac ? "⌘Z" : "Ctrl+Z", open || done.at(-1)?.words);
    label(again, "Redo", mac ? "⇧⌘Z" : "Ctrl+Shift+Z", open ? "" : undone.at(-1)?.words);
  }
  const soon = Stir.later(paint, 60);

  Stir.history = {
    nodes: [back, again],
    undo,
    redo,
    step: () => begin(touched.target),
    came: (name) => (base = { ...base, [name]: parts.get(name).take() }),
    register(name, part) {
      parts.set(name, part);
      base = { ...base, [name]: part.take() };
    },
    /* How many steps can be taken back. */
    count: () => Math.min(MOST, done.length + (hand && differs(base, take()) ? 1 : 0)),
  };
  for (const topic of ["frame", "film", "camera", "slots", "effects", "output", "ending", "acted"]) Stir.on(topic, soon);
  paint();
})();
