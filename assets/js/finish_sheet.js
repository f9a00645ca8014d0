/* The Finish room: the picture with what is drawn over it and its timeline on the left, the tools on the right, one press that writes
   it. Every change is a step that can be taken back, and is drawn as a quick preview before anything is written. */
(() => {
  const { h, icon } = Stir;
  const PAUSE = 1000; // ms: changes of one thing that follow sooner are one step
  const SETTLED = 250; // ms without a change until a preview is asked for
  const MOST = 100; // steps
  const DRAFTS = "stir.finish-drafts";
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const mac = /Mac/.test(navigator.platform);

  Stir.finishSheet = ({ root, given, server }) => {
    const drafts = new Map(recall()); // clip ids → what was left in the room
    let source = null; // what the studio said of the clips: {clips, key, finish, platform, fitting…}
    let now = null; // the finish, and the platform beside it
    let done = [];
    let undone = [];
    let last = { words: "", at: 0 };
    let facts = null; // of the preview that is shown
    let drawing = false;
    let wanted = false; // a change has come while a preview was drawn
    let others = []; // clips that are to get the same

    const room = {
      server, given, set,
      get finish() { return now; },
      get clips() { return source.clips; },
      get card() { return source.clips[0]; },
      get source() { return source; },
      get facts() { return facts; },
      get place() { return given.places.find((one) => one.id === now.platform) ?? null; },
      /* What the studio says of one of its choices, "" where it made none. */
      said(what) {
        const one = facts?.choices.find((each) => each.what === what);
        return one ? `${one.value}: ${one.reason}.` : "";
      },
      isReel: () => source.clips.length > 1,
      refuse: (refusal) => note.show(refusal),
      look: (seconds) => stage.look(seconds), // at a moment of the clip as it was made; null for the preview again
      seek: (seconds) => stage.seek(seconds),
      time: () => stage.time(),
    };
    const stage = Stir.finishStage(room);
    const timeline = Stir.finishTimeline(room);
    const panes = { clips: Stir.finishReel(room), ...Stir.finishTools(room), sound: Stir.finishSound(room), titles: Stir.finishTitles(room) };
    const TABS = [["clips", "Clips"], ["cut", "Cut"], ["speed", "Speed"], ["picture", "Look"], ["sound", "Sound"], ["titles", "Titles"], ["cover", "Cover"]];

    const title = h("h2", {}, "");
    const back = h("button", { type: "button", class: "ghost tiny finish-step", id: "finish-undo", onclick: () => step(done, undone, "Undone") }, icon("undo"));
    const again = h("button", { type: "button", class: "ghost tiny finish-step", id: "finish-redo", onclick: () => step(undone, done, "Done again") }, icon("redo"));
    const reset = Stir.button("Reset", { class: "ghost", id: "finish-reset", title: "As the clip was made; undo brings it back", onclick: () => set({ ...source.plain }, "everything") });
    const close = h("button", { type: "button", class: "ghost tiny finish-close", "aria-label": "Close", title: "What you did stays here until this tab is closed", onclick: () => node.close() }, icon("close"));
    const tabs = h("div", { class: "finish-tabs", role: "tablist", "aria-label": "Tools" });
    const pane = h("div", { class: "finish-pane", role: "tabpanel", id: "finish-pane", tabindex: "-1" });
    const outcome = h("p", { class: "finish-outcome", "aria-live": "polite" });
    const note = Stir.note();
    const write = h("button", { type: "button", class: "primary", id: "finish-write", onclick: () => go() }, h("span", {}, "Write it"));
    const more = Stir.button("Use on other clips…", { class: "solid", id: "finish-others", title: "The same finish on clips you choose in the library", onclick: () => choose() }, "grid");
    const foot = h("div", { class: "finish-foot" }, note.node, outcome, h("div", { class: "finish-go" }, write, more));
    const node = h("dialog", { class: "finish-sheet", "aria-label": "Finish" },
      h("div", { class: "finish-head" }, title, h("div", { class: "row finish-steps" }, back, again, reset), close),
      h("div", { class: "finish-left" }, stage.node, timeline.node),
      h("div", { class: "finish-right" }, tabs, pane, foot));
    root.append(node);
    for (const [key, words] of TABS) tabs.append(h("button", { type: "button", role: "tab", id: "finish-tab-" + key, "data-tab": key, "aria-controls": "finish-pane", onclick: () => show(key) }, words));
    const picker = Stir.finishPicker(room, (ids) => ((others = ids), paint()));
    root.append(picker.node);

    /* Drafts outlive a reload of this tab: the newest few, each with its newest steps. */
    function recall() {
      try {
        return JSON.parse(sessionStorage.getItem(DRAFTS)) ?? [];
      } catch {
        return [];
      }
    }
    function keep() {
      const few = [...drafts].slice(-8).map(([key, { now, done, undone, others }]) => [key, { now, done: done.slice(-20), undone: undone.slice(-20), others }]);
      try {
        sessionStorage.setItem(DRAFTS, JSON.stringify(few));
      } catch {} // there is no room: they last as long as the page
    }

    // Steps ----------------------------------------------------------------------------------------------------------
    /* One step; `words` say what of, and changes of the same within a moment are one. */
    function set(change, words) {
      const next = { ...now, ...change };
      if (same(next, now)) return;
      const at = performance.now();
      if (words !== last.words || at - last.at > PAUSE) done = [...done, { state: now, words }].slice(-MOST);
      last = { words, at };
      undone = [];
      put(next);
    }
    function put(next) {
      now = next;
      drafts.delete(source.key);
      drafts.set(source.key, { now, done, undone, others });
      keep();
      note.clear();
      paint();
      ask();
    }
    function step(from, to, verb) {
      const one = from.at(-1);
      if (!one) return;
      from.pop();
      to.push({ state: now, words: one.words });
      last = { words: "", at: 0 };
      put(one.state);
      if (!node.contains(document.activeElement)) pane.focus({ preventScroll: true }); // what had the keyboard is gone
      Stir.say(`${verb}: ${one.words}.`);
    }
    addEventListener("keydown", (event) => {
      if (!node.open || picker.node.open || event.isComposing) return;
      const command = (event.ctrlKey || event.metaKey) && !event.altKey;
      const key = event.key.toLowerCase();
      const run = command && key === "z" ? (event.shiftKey ? () => step(undone, done, "Done again") : () => step(done, undone, "Undone")) : command && key === "y" ? () => step(undone, done, "Done again") : command && key === "enter" ? () => go() : null;
      if (!run) return stage.key(event) || timeline.key(event);
      event.preventDefault();
      if (!event.repeat || key !== "enter") run();
    });
    /* A sound that is dropped anywhere becomes the music, a picture the logo. */
    for (const type of ["dragover", "drop"]) node.addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      if (type !== "drop") return;
      Stir.emit("dropped");
      const [one] = event.dataTransfer.files;
      const key = one?.type.startsWith("image/") ? "titles" : "sound";
      show(key);
      panes[key].take(one);
    });
    node.addEventListener("close", () => (stage.rest(), panes.sound.rest(), note.clear()));

    // The preview ----------------------------------------------------------------------------------------------------
    const asked = () => {
      const { platform, ...finish } = now;
      return { finish: { ...finish, titles: finish.titles.filter((one) => one.text.trim()) }, platform };
    };
    const ask = Stir.later(() => (drawing ? (wanted = true) : draw()), SETTLED);
    async function draw() {
      drawing = true;
      node.classList.add("drawing");
      stage.busy(true);
      const key = source.key;
      const answer = await server.preview_finish(asked()).catch(() => undefined);
      drawing = false;
      if (wanted || key !== source.key) return (wanted = false), draw();
      node.classList.remove("drawing");
      stage.busy(false);
      if (!node.open) return;
      if (!answer || answer.refusal) return note.show(answer?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." }), paintGo(false);
      note.clear();
      facts = answer;
      stage.show(answer);
      paint();
    }

    // Paint ----------------------------------------------------------------------------------------------------------
    function paint() {
      for (const [key, one] of Object.entries(panes)) if (key === open) one.paint();
      timeline.paint();
      stage.paint();
      label(back, done, "Undo", mac ? "⌘Z" : "Ctrl+Z");
      label(again, undone, "Redo", mac ? "⇧⌘Z" : "Ctrl+Shift+Z");
      reset.disabled = same(now, source.plain);
      paintGo(true);
    }
    function label(button, steps, verb, keys) {
      const words = steps.at(-1)?.words;
      button.setAttribute("aria-disabled", String(!words));
      button.setAttribute("aria-label", words ? `${verb}: ${words}` : `Nothing to ${verb.toLowerCase()}`);
      button.title = `${button.getAttribute("aria-label")} (${keys})`;
    }
    function paintGo(able) {
      const count = others.length + 1;
      write.disabled = !able || (same(now, source.written) && !room.isReel());
      write.firstChild.textContent = room.isReel() ? "Make the reel" : count > 1 ? `Write ${count} clips` : "Write it";
      more.hidden = room.isReel();
      more.lastChild.textContent = others.length ? `On ${others.length} other${others.length > 1 ? "s" : ""} too…` : "Use on other clips…";
      if (!facts) return (outcome.textContent = "");
      const loud = facts.loudness;
      outcome.textContent = [`${Number(facts.seconds.toFixed(2))} s`, `${Number(facts.fps.toFixed(2))} fps`, `${facts.width} × ${facts.height}`, facts.format !== room.card.format && facts.format.toUpperCase(), loud].filter(Boolean).join(" · ");
    }
    let open = "cut";
    function show(key, focus = false) {
      open = key;
      for (const one of tabs.children) {
        const on = one.dataset.tab === key;
        one.setAttribute("aria-selected", String(on));
        one.tabIndex = on ? 0 : -1;
        if (on && focus) one.focus();
      }
      pane.setAttribute("aria-labelledby", "finish-tab-" + key);
      pane.replaceChildren(panes[key].node);
      pane.scrollTop = 0;
      node.dataset.tab = key;
      paint();
    }
    tabs.addEventListener("keydown", (event) => {
      const all = [...tabs.children].filter((one) => !one.hidden);
      const at = all.findIndex((one) => one.dataset.tab === open);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(all[(to + all.length) % all.length].dataset.tab, true);
    });

    // Write ----------------------------------------------------------------------------------------------------------
    const go = Stir.once(async (press) => {
      if (write.disabled) return;
      const answer = await server.write_finish({ ...asked(), press, others }).catch(() => undefined);
      if (!answer || answer.refusal) return note.show(answer?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." });
      source.written = now;
      node.close();
      Stir.say(answer.jobs.length > 1 ? `${answer.jobs.length} clips are being written.` : "It is being written.");
      Stir.goto("Create");
      answer.jobs.slice(-1).forEach((id) => Stir.emit("attach", id));
    }, (busy) => write.setAttribute("aria-busy", String(busy)));
    async function choose() {
      const ids = await picker.open(others);
      if (ids) (others = ids), paint();
    }

    return {
      async open({ id, ids = [id], others: also = [], change = null }) {
        const answer = await Stir.ask(server.open_finish, { ids });
        if (!answer) return;
        source = { ...answer, key: answer.clips.map((one) => one.id).join() + "/" + ids.join() };
        source.plain = { ...given.plain, clips: answer.clips.map((one) => one.id), platform: answer.platform };
        const begun = { ...source.plain, ...answer.finish };
        source.written = answer.again ? begun : null;
        ({ now, done, undone, others } = drafts.get(source.key) ?? { now: begun, done: [], undone: [], others: [] });
        if (also.length) others = also;
        facts = null;
        title.replaceChildren(h("span", {}, room.isReel() ? "Reel" : "Finish"), h("span", { class: "finish-of" }, room.isReel() ? `${source.clips.length} clips` : room.card.title));
        for (const one of tabs.children) one.hidden = room.isReel() ? ["cut", "speed"].includes(one.dataset.tab) : one.dataset.tab === "clips";
        node.classList.toggle("reel", room.isReel());
        stage.begin();
        timeline.begin();
        Object.values(panes).forEach((one) => one.begin?.());
        show(room.isReel() ? "clips" : open === "clips" ? "cut" : open);
        node.showModal();
        tabs.querySelector("[aria-selected=true]").focus();
        if (change) set(change, "what the place asks for");
        else ask();
      },
    };
  };
})();
