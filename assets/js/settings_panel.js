/* The settings tab: what a new desk begins with, where files are, what this machine can do, and how models run. */
(() => {
  const { h } = Stir;

  /* Size, rate, place and look of a desk in a browser that has chosen nothing yet; one press puts this desk back to them. */
  function desk(props, server) {
    const keep = async (change) => (await Stir.ask(server.wish, change)) || paint(Stir.now("defaults"));
    const menu = (label, id, options, name, read = String) => Stir.menu(label, options, "", (next) => keep({ [name]: read(next) }), { id });
    const size = menu("Size", "default-size", props.sizes, "size");
    const rate = menu("Rate", "default-fps", props.rates.map((one) => [one, one + " fps"]), "fps", Number);
    const place = menu("Made for", "default-place", [["", "Nothing in particular"], ...props.places], "place");
    const look = Stir.segments("Look", Stir.LOOKS, (value) => (Stir.look.set(null), keep({ look: value })));
    const back = Stir.button("Put this desk back to these", { class: "solid", id: "use-defaults", onclick: () => (Stir.emit("use-defaults", Stir.now("defaults")), Stir.say("The desk begins anew with these.")) }, "retry");
    const line = (words, control, why) => h("div", { class: "setting" }, h("label", {}, h("span", {}, words), control), why ? h("p", { class: "why" }, why) : null);
    function paint(now) {
      if (!now) return;
      [size.value, rate.value, place.value] = [now.size, now.fps, now.place];
      look.paint(Stir.look.get());
    }
    for (const topic of ["defaults", "look"]) Stir.on(topic, () => paint(Stir.now("defaults")));
    return h("div", { class: "settings-list" }, line("Size", size), line("Rate", rate),
      line("Made for", place, "A place brings its own crop, size and rate."),
      h("div", { class: "setting" }, h("div", { class: "row between" }, h("span", {}, "Look"), look.node), h("p", { class: "why" }, "Darkroom for judging light, lightbox for a bright room. The switch at the top is for one browser only.")),
      h("p", { class: "why" }, "What you change on the desk holds for this browser; what you have not changed follows these."), h("div", { class: "row" }, back));
  }

  Stir.parts.settings_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const begins = desk(props, server);
    const places = h("dl", { class: "recipe places" });
    const machine = h("dl", { class: "reasons" });
    const running = Stir.kernelTable(server);
    const assistant = Stir.assistant(server);
    const hosted = h("span", { hidden: true }, ", or animate with a hosted model: that says first what it sends, to whom, and for how much");
    const offer = () => (hosted.hidden = !(Stir.now("cards") ?? []).some((card) => card.ways.length));
    Stir.on("cards", offer);
    offer();
    const section = (title, ...children) => h("section", {}, h("h2", {}, title), ...children);
    root.append(
      h("div", { class: "settings-column" },
        section("What a new desk begins with", begins),
        section("How models run", h("p", { class: "why" }, "For models that denoise. What is left on automatic is chosen for this machine, with its reason."), running.node),
        section("Better depth, if you like", Stir.depthModel(server)),
        props.local ? section("A helper for words, if you like", assistant.node) : ""),
      h("div", { class: "settings-column" },
        section("What leaves this computer", h("p", {}, props.cluster ? `What a worker needs goes to the machines of the cluster at ${props.cluster}: a photo's pixels, the shot and its model's card. Nothing else. ` : "Nothing. ", "Photos, clips and recipes stay in the folders below; there is no account, no telemetry and no request to anywhere else, unless you press a Download button", hosted, ". Location data in a photo never reaches a clip.")),
        section("Where things live", places),
        section("This machine", machine)),
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
