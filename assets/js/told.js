/* What the chosen model makes of the motion, one fold away: the words it is given, or, where it reads none, what will be seen. */
(() => {
  const { h } = Stir;

  Stir.told = () => {
    const title = h("span", {}, "What the model is told");
    const body = h("div", { class: "fold-body told" });
    const fold = h("details", { class: "fold", id: "told" }, h("summary", {}, title), body);
    const line = (label, words, what) => (words ? [h("dt", {}, label), h("dd", { "data-told": what }, words)] : []);
    return {
      fold,
      /* `card` is the model's, `told` what the studio says of the motion for it. */
      paint(card, told) {
        title.textContent = told.reads ? `What ${card.title} is told` : `What ${card.title} shows of it`;
        const rows = told.reads
          ? [...line("Words", told.prompt, "prompt"), ...line("To avoid", told.negative, "negative"), ...line("Control", told.control, "control")]
          : line("Seen", told.drawn.join(", "), "drawn");
        const notes = told.notes.length ? h("ul", { class: "notes" }, told.notes.map((one) => h("li", {}, one))) : null;
        body.replaceChildren(...[h("dl", { class: "told-lines" }, rows), notes, told.reads ? null : h("p", { class: "why" }, "The words are kept with the clip, and the library finds it by them.")].filter(Boolean));
      },
    };
  };
})();
