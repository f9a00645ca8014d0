/* The header, with the switch between darkroom and lightbox, and the settings tab. */
(() => {
  const { h, icon } = Stir;
  const LOOKS = [["system", "As the system"], ["dark", "Darkroom"], ["light", "Lightbox"]];
  const PICTURES = { system: "half", dark: "moon", light: "sun" };

  Stir.parts.header = ({ element }) => {
    const root = element.firstElementChild;
    const look = h("button", { type: "button", class: "ghost tiny", id: "look", onclick: () => Stir.look.set(LOOKS[(LOOKS.findIndex(([key]) => key === Stir.look.get()) + 1) % LOOKS.length][0]) });
    const toast = h("div", { class: "toast note", role: "alert", popover: "manual" }); // a popover lies above a dialog, too
    let timer = 0;
    Stir.toast = ({ reason, remedy }) => {
      toast.replaceChildren(icon("alert"), h("p", {}, h("strong", {}, reason), " " + (remedy || "")));
      toast.hidePopover();
      toast.showPopover();
      clearTimeout(timer);
      timer = setTimeout(() => toast.hidePopover(), 8000);
    };
    const gauge = h("span", { class: "gauge", id: "gauge" });
    Stir.on("models", () => {
      const { words, full } = Stir.gauge();
      gauge.textContent = words;
      gauge.title = full;
    });
    root.append(h("h1", { class: "brand" }, "Stir"), gauge, look, h("div", { id: "stir-live", class: "unseen", "aria-live": "polite", role: "status" }), toast);
    Stir.on("look", (now) => {
      const words = "Look: " + LOOKS.find(([key]) => key === now)[1].toLowerCase();
      look.replaceChildren(icon(PICTURES[now]));
      look.setAttribute("aria-label", words);
      look.title = words;
    });
    Stir.tell("look", Stir.look.get());
    Stir.look.paint();
  };

  Stir.parts.settings = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const look = Stir.segments("Look", LOOKS, (value) => Stir.look.set(value));
    Stir.on("look", look.paint);
    const places = h("dl", { class: "recipe places" });
    const machine = h("dl", { class: "reasons" });
    const running = Stir.running(server);
    const assistant = Stir.assistant(server);
    const section = (title, ...children) => h("section", {}, h("h2", {}, title), ...children);
    root.append(
      section("Look", look.node, h("p", { class: "why" }, "Darkroom for judging light, lightbox for a bright room.")),
      section("What leaves this computer", h("p", {}, "Nothing. Photos, clips and recipes stay in the folders below; there is no account, no telemetry and no request to anywhere else, unless you press a Download button. Location data in a photo never reaches a clip.")),
      section("How models run", h("p", { class: "why" }, "For models that denoise. What is left on automatic is chosen for this machine, with its reason."), running.node),
      section("Better depth, if you like", Stir.depthModel(server)),
      props.local ? section("A helper for words, if you like", assistant.node) : "",
      section("Where things live", places),
      section("This machine", machine),
    );
    Stir.ask(server.ask_facts, {}).then((facts) => {
      if (!facts) return;
      places.replaceChildren(...facts.places.flatMap(([name, place]) => [h("dt", {}, name), h("dd", {}, h("code", {}, place))]));
      machine.replaceChildren(...Stir.reasons(facts.machine));
      running.paint(facts.preferences);
      assistant.paint(facts.preferences);
    });
  };
})();
