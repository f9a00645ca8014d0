/* What the chosen model is told, one fold away. Where words are only read here the promise says it all. */
(() => {
  const { h } = Stir;

  Stir.promptFold = () => {
    const title = h("span", {}, "What the model is told");
    const body = h("div", { class: "fold-body told" });
    const fold = h("details", { class: "fold", id: "told" }, h("summary", {}, title), body);
    const line = (label, words, what) => (words ? [h("dt", {}, label), h("dd", { "data-told": what }, words)] : []);
    return {
      fold,
      /* `card` is the model's, `told` what the studio says of the motion for it. */
      paint(card, told) {
        fold.hidden = !told.reads;
        title.textContent = `What ${card.title} is told`;
        const rows = [...line("Words", told.prompt, "prompt"), ...line("To avoid", told.negative, "negative"), ...line("Control", told.control, "control")];
        const notes = told.notes.length ? h("ul", { class: "notes" }, told.notes.map((one) => h("li", {}, one))) : null;
        body.replaceChildren(...[h("dl", { class: "told-lines" }, rows), notes].filter(Boolean));
      },
    };
  };
})();
