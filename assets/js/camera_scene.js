/* The little scene on a camera tile: far hills and a near figure, moved the way the camera would move them. */
(() => {
  const SPACE = "http://www.w3.org/2000/svg";
  function node(tag, attributes, ...children) {
    const one = document.createElementNS(SPACE, tag);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    one.append(...children);
    return one;
  }

  /* `move` is a row of the camera's moves. Its scene: how the picture changes from the move's beginning to its end (far x, y, scale;
     near x, y, scale; turn in degrees). Its mark: where the camera goes, in the corner of the sky of a tile at rest. */
  Stir.scene = (move) => {
    const hills = node("path", { d: "M-40 31L-22 15l10 8L4 8l14 15 9-7L40 27 52 12l14 13 12-9 26 15v24H-40z", class: "hills" });
    const sun = node("circle", { cx: 51, cy: 7, r: 3, class: "sun" });
    const ground = node("path", { d: "M-40 32.5q36-4.5 72-4.5t72 4.5V70H-40z", class: "ground" });
    const figure = node("g", { class: "figure" }, node("circle", { cx: 37, cy: 17, r: 3.8 }), node("path", { d: "M29.5 37c0-9.5 2.5-14.5 7.5-14.5s7.5 5 7.5 14.5z" }));
    const world = node("g", { class: "world" }, node("g", { class: "far" }, sun, hills), node("g", { class: "near" }, ground, figure));
    const mark = node("path", { class: "mark" });
    const svg = node("svg", { viewBox: "0 0 60 36", class: "scene", "aria-hidden": "true", preserveAspectRatio: "xMidYMid slice" }, world, mark);
    svg.play = (one) => {
      const [fx, fy, fs, nx, ny, ns, turn] = one.scene;
      svg.classList.toggle("shaken", one.shaken);
      mark.setAttribute("d", one.mark);
      for (const [key, value] of Object.entries({ fx: fx + "px", fy: fy + "px", fs, nx: nx + "px", ny: ny + "px", ns, turn: turn + "deg" })) svg.style.setProperty("--" + key, value);
    };
    svg.play(move);
    return svg;
  };
})();
