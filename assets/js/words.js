/* The words, for models that read them; every clip keeps them, and the library finds it by them. */
(() => {
  const { h, memory } = Stir;

  Stir.parts.words = ({ element, props }) => {
    const root = element.firstElementChild;
    const words = h("textarea", { rows: 3, id: "prompt", maxlength: 4000, "aria-label": "Words", placeholder: "Slow morning light, the grass barely moves", oninput: () => say() });
    const truth = h("p", { class: "why" });
    const fold = Stir.fold("In words", h("div", { class: "fold-body" }, words, truth));
    let model = "";
    root.append(fold);
    function say() {
      props.value = { prompt: words.value };
      memory.set("words", words.value);
    }
    function set(text) {
      words.value = text;
      fold.open = fold.open || Boolean(text);
      say();
    }
    /* The box opens for a model that reads, and stays as it is for one that doesn't. */
    function paint() {
      const card = Stir.card(Stir.now("output")?.model);
      if (!card) return;
      const reads = card.supports.includes("prompt");
      truth.textContent = reads ? `${card.title} reads these words. The camera and the effects are said to it in words, too.` : `${card.title} does not read words: the camera and the effects say what moves. The words are kept with the clip, and the library finds it by them.`;
      if (card.id !== model && reads) fold.open = true;
      model = card.id;
    }
    for (const topic of ["cards", "output"]) Stir.on(topic, paint);
    Stir.on("shot", (shot) => set(shot.motion.prompt));
    set(memory.get("words", ""));
  };
})();
