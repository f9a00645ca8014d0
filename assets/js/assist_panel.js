/* The assistant, when the user has one: what it writes goes into the sentence, and is read and checked there like anything typed. */
(() => {
  const { h } = Stir;

  Stir.parts.assist_panel = ({ element, server }) => {
    const root = element.firstElementChild;
    const note = Stir.note();
    const suggest = Stir.button("Suggest a motion", { class: "ghost tiny-text", id: "suggest", onclick: () => ask(suggest, () => server.propose_motion(readFrame())) });
    const rewrite = Stir.button("Rewrite", { class: "ghost tiny-text", id: "rewrite", onclick: () => mend() });
    const mend = (paid) => ask(rewrite, () => server.rewrite_prompt(paid ? { text: sentence(), paid } : { text: sentence() }));
    /* A hosted helper is paid: what it costs and what leaves is agreed to with each question. */
    async function buy(price) {
      const paid = await Stir.checkout(price);
      if (!paid) return rewrite.focus();
      await mend(paid);
      Stir.tell("spending", Date.now());
    }
    const row = h("div", { class: "row", hidden: true }, suggest, rewrite);
    root.append(row, note.node);

    function readFrame() {
      const { photo, crop, depth, mends } = Stir.now("frame");
      return { photo, crop, depth, mends: mends ?? [] };
    }
    const sentence = () => document.getElementById("prompt")?.value ?? "";
    const about = () => JSON.stringify([Stir.now("frame")?.photo, sentence()]);
    async function ask(button, call) {
      note.clear();
      const before = about();
      const words = button.textContent;
      suggest.disabled = rewrite.disabled = true;
      button.lastChild.textContent = "Thinking…";
      const answer = await call().catch(() => ({ refusal: { reason: "The assistant did not answer.", remedy: "Try again." } }));
      button.lastChild.textContent = words;
      rewrite.disabled = false;
      suggest.disabled = !Stir.now("frame");
      if (answer.refusal) note.show(answer.refusal);
      else if (answer.price) buy(answer.price);
      else if (about() === before) Stir.emit("said", answer.text);
      else offer(answer.text);
    }
    /* It may think for a minute: what comes after the photo or the sentence has changed overwrites nothing. */
    function offer(text) {
      note.show({ reason: "The photo or the sentence has changed since. It suggests:", remedy: text });
      note.node.lastChild.before(Stir.button("Use it", { class: "ghost tiny-text", onclick: () => (note.clear(), Stir.emit("said", text)) }));
    }
    async function look() {
      const state = await server.ask_assistant({}).catch(() => null);
      row.hidden = !state || state.value === "off";
      suggest.hidden = state?.value !== "sees";
    }
    Stir.on("frame", (frame) => (suggest.disabled = !frame));
    Stir.on("assistant", look);
    look();
  };

  /* Its place in Settings: the folder of a small model of the user's own. */
  Stir.assistant = (server) => {
    const folder = h("input", { type: "text", id: "assistant", "aria-label": "Folder of the model", placeholder: "/models/SmolVLM-Instruct", spellcheck: false });
    const state = h("p", { class: "why", id: "assistant-state" });
    const keep = Stir.button("Use", { class: "solid", onclick: () => set(folder.value.trim()) });
    const off = Stir.button("Turn off", { class: "ghost", onclick: () => set("") });
    const hosted = h("div", { class: "row", id: "assistant-hosted" });
    let chosen = "";
    const show = (words) => ((chosen = words), (folder.value = words.startsWith("hosted:") ? "" : words));
    const node = h("div", { class: "settings-list" }, h("p", { class: "why" }, "A small language or vision model that you have downloaded (transformers, safetensors) can suggest a motion for a photo and rewrite a prompt. It runs on the processor; what it writes is checked like your own words. Everything works without it."), h("div", { class: "row" }, h("span", { class: "grow" }, folder), keep, off), hosted, state);
    async function offer() {
      const found = await server.list_helpers({}).catch(() => []);
      hosted.replaceChildren(...found.map((one) => Stir.button(`${one.reason}, paid`, { class: "chip", "data-helper": one.value, "aria-pressed": String(one.value === chosen), onclick: () => set(one.value) })));
    }
    async function set(words) {
      if (!(await Stir.ask(server.wish, { assistant: words }))) return;
      show(words);
      look();
    }
    async function look() {
      const now = await server.ask_assistant({}).catch(() => null);
      state.textContent = now ? now.reason : "";
      off.hidden = !chosen;
      offer();
      Stir.emit("assistant");
    }
    return { node, paint: (preferences) => (chosen || folder.value || show(preferences.assistant), look()) };
  };
})();
