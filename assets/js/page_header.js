/* The header: the name, the GPU's gauge, the switch between darkroom and lightbox, and what is said in passing. */
(() => {
  const { h, icon } = Stir;
  const LOOKS = [["system", "As the system"], ["dark", "Darkroom"], ["light", "Lightbox"]];
  const PICTURES = { system: "half", dark: "moon", light: "sun" };

  Stir.parts.page_header = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const look = h("button", { type: "button", class: "ghost tiny", id: "look", onclick: () => Stir.look.set(LOOKS[(LOOKS.findIndex(([key]) => key === Stir.look.get()) + 1) % LOOKS.length][0]) });
    const toast = h("div", { class: "toast note", role: "alert", popover: "manual" }); // a popover lies above a dialog, too
    let timer = 0, hindrance;
    function show(said) {
      toast.hidePopover();
      if (!said) return;
      toast.replaceChildren(icon("alert"), h("p", {}, h("strong", {}, said.reason), " " + (said.remedy || "")));
      toast.showPopover();
    }
    Stir.toast = (said) => {
      show(said);
      clearTimeout(timer);
      timer = setTimeout(() => show(hindrance), 8000);
    };
    /* What keeps everything from being done: said until it is over, which is undefined. */
    Stir.on("hindrance", (now) => {
      if (now?.reason === hindrance?.reason) return;
      clearTimeout(timer);
      show((hindrance = now));
    });
    const gauge = h("span", { class: "gauge", id: "gauge" });
    Stir.on("models", () => {
      const { words, full } = Stir.gauge();
      gauge.textContent = words;
      gauge.title = full;
    });
    root.append(h("h1", { class: "brand" }, "Stir"), gauge, ...(props.visitors ? Stir.visitorMenu(props.visitors, server) : []), look, h("div", { id: "stir-live", class: "unseen", "aria-live": "polite", role: "status" }), toast);
    Stir.on("look", (now) => {
      const words = "Look: " + LOOKS.find(([key]) => key === now)[1].toLowerCase();
      look.replaceChildren(icon(PICTURES[now]));
      look.setAttribute("aria-label", words);
      look.title = words;
    });
    Stir.tell("look", Stir.look.get());
    Stir.look.paint();
  };

  Stir.LOOKS = LOOKS;
})();
