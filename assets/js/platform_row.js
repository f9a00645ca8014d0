/* What the clips are made for: a row of places, each drawn as the shape it shows. The choice holds for every photo. */
(() => {
  const { h } = Stir;
  const OWN = { id: "", label: "My own", title: "No place: each photo keeps a shape of its own", aspect: "" };
  const MARKS = { // what tells one upright screen from another, drawn in its middle
    reels: "M-2-2.6l4.6 2.6-4.6 2.6z",
    stories: "M-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0",
    tiktok: "M-.2 2.2V-3.4c.5 1.3 1.4 2 2.8 2.1M-.2 2.2a1.5 1.5 0 1 1-1.5-1.5",
    shorts: "M.4-3.4L-2 .4H2L-.4 3.6",
    youtube: "M-2-2.4l4.4 2.4-4.4 2.4z",
    feed: "M-3 1.8l2-2.2 1.6 1.6L2-.2l1.2 1.2",
    telegram: "M-4.2.2l8-3.2-1.6 6.6-2.6-1.8-1.4 1.6v-2.6l3.8-3",
    facebook: "M1.6-3.4c-1.8 0-2 .8-2 2V3.4M-2-.4h3.2",
    x: "M-2.6-2.6l5.2 5.2M2.6-2.6l-5.2 5.2",
    linkedin: "M-2.6-.6V2.8M-2.6-2.4v.1M-.4 2.8V-.6M-.4 1c0-2.2 3-2.2 3 0v1.8",
    whatsapp: "M-2.8 3l.8-2a3 3 0 1 1 1.4 1.3z",
    pinterest: "M-1.2 3.4L.6-1.6M-2-.6a2.2 2.2 0 1 1 2.4 1.2",
    web: "M-5-1.8h10M-1.6.8h3.2",
    square: "M-3 1.8l2-2.2 1.6 1.6L2-.2l1.2 1.2",
    product: "M2.5-.6a2.6 2.6 0 1 0 .2 1.4M2.8-2.6v2h-2",
    cinema: "M-5.6-1.6v3.2M5.6-1.6v3.2",
  };

  function drawing({ id, aspect }) {
    const space = "http://www.w3.org/2000/svg";
    const make = (name, values) => {
      const node = document.createElementNS(space, name);
      for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
      return node;
    };
    const svg = make("svg", { viewBox: "-14 -14 28 28", width: 28, height: 28, "aria-hidden": "true", class: "icon" });
    const [wide, tall] = aspect ? aspect.split(":").map(Number) : [4, 3];
    const scale = Math.min(23 / wide, 23 / tall, Math.sqrt(330 / (wide * tall)));
    const [w, height] = [wide * scale, tall * scale];
    svg.append(make("rect", { x: -w / 2, y: -height / 2, width: w, height, rx: 2, ...(aspect ? {} : { "stroke-dasharray": "2.4 2.2" }) }));
    if (MARKS[id]) svg.append(make("path", { d: MARKS[id] }));
    return svg;
  }

  /* platforms: [{id, label, title, aspect, size, fps}]; choose(place) after a choice, null for none. */
  Stir.platformRow = (platforms, choose) => {
    const all = [OWN, ...platforms];
    const title = h("h3", { id: "made-for-title" }, "Made for");
    const row = h("div", { class: "places-row", role: "radiogroup", "aria-labelledby": "made-for-title" });
    const words = h("p", { class: "why" });
    const back = Stir.button("", { class: "ghost tiny-text", id: "back-to-place" });
    const own = h("div", { class: "row between made-own", hidden: true }, words, back);
    back.append(h("span"));
    const radios = all.map((one) => {
      const radio = h("input", { type: "radio", name: "made-for", class: "place-radio", value: one.id, onchange: () => choose(platforms.find((each) => each.id === one.id) ?? null) });
      row.append(h("label", { class: "place", "data-place": one.id, title: one.title }, radio, drawing(one), h("span", { class: "place-name" }, one.label)));
      return radio;
    });
    back.addEventListener("click", () => choose(platforms.find((one) => one.id === back.dataset.place)));
    return {
      node: h("section", { class: "made-for", id: "made-for" }, title, row),
      exception: own,
      /* The place chosen, and the shape of the photo on the desk where that is its own. */
      paint(place, shape = "") {
        for (const radio of radios) radio.checked = !shape && radio.value === (place?.id ?? "");
        own.hidden = !shape;
        if (!shape) return;
        words.textContent = `This photo is ${shape}, an exception. The others stay ${place.label}.`;
        back.lastChild.textContent = `Back to ${place.label}`;
        back.dataset.place = place.id;
      },
    };
  };
})();
