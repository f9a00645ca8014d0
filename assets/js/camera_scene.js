/* The little scene on a camera tile: far hills and a near figure, moved the way the camera would move them. */
(() => {
  const SPACE = "http://www.w3.org/2000/svg";
  /* How the picture changes from the move's beginning to its end: far x, y, scale; near x, y, scale; turn in degrees. */
  const PATHS = {
    static: [0, 0, 1, 0, 0, 1, 0],
    dolly_in: [0, 0, 1.12, 0, 3, 1.6, 0],
    dolly_out: [0, 0, 1 / 1.12, 0, -1, 0.62, 0],
    truck_left: [4, 0, 1, 15, 0, 1, 0],
    truck_right: [-4, 0, 1, -15, 0, 1, 0],
    crane_up: [0, 3, 1, 0, 10, 1, 0],
    crane_down: [0, -3, 1, 0, -10, 1, 0],
    pan_left: [13, 0, 1, 13, 0, 1, 0],
    pan_right: [-13, 0, 1, -13, 0, 1, 0],
    tilt_up: [0, 9, 1, 0, 9, 1, 0],
    tilt_down: [0, -9, 1, 0, -9, 1, 0],
    orbit_left: [-13, 0, 1, 1.5, 0, 1, 0],
    orbit_right: [13, 0, 1, -1.5, 0, 1, 0],
    zoom_in: [0, 0, 1.4, 0, 1, 1.4, 0],
    zoom_out: [0, 0, 0.74, 0, -1, 0.74, 0],
    roll_left: [0, 0, 1.06, 0, 0, 1.06, 13],
    roll_right: [0, 0, 1.06, 0, 0, 1.06, -13],
    dolly_zoom_in: [0, 0, 0.7, 0, 0, 1, 0],
    dolly_zoom_out: [0, 0, 1.4, 0, 0, 1, 0],
    handheld: [2, 1, 1.04, 3.5, -2, 1.06, 1.5],
    push_orbit_left: [-11, 0, 1.15, 1, 2, 1.45, 0],
    push_orbit_right: [11, 0, 1.15, -1, 2, 1.45, 0],
  };

  /* The mark on a tile at rest: where the camera goes, in the corner of the sky. */
  const MARKS = {
    static: "M11 4.5v7M11 11.5l-4.5 6M11 11.5l4.5 6M8 4.5h6",
    dolly_in: "M4 17.5L8 5M18 17.5L14 5M11 16.5V7M8.4 9.6L11 7l2.6 2.6",
    dolly_out: "M4 17.5L8 5M18 17.5L14 5M11 6v10M8.4 13.4L11 16l2.6-2.6",
    truck_left: "M18 9H5M8 6L5 9l3 3M4 15.5h14",
    truck_right: "M4 9h13M14 6l3 3-3 3M4 15.5h14",
    crane_up: "M9 18V5M6 8l3-3 3 3M16 4.5v13",
    crane_down: "M9 4.5v13M6 14.5l3 3 3-3M16 4.5v13",
    pan_left: "M18 13.5C15.5 7.5 9 6.5 5 10.5M9.2 11.2L5 10.5V6.2",
    pan_right: "M4 13.5C6.5 7.5 13 6.5 17 10.5M12.8 11.2l4.2-.7V6.2",
    tilt_up: "M14 18C8 15.5 7 9 11 5M6.7 5H11l.8 4.2",
    tilt_down: "M14 4C8 6.5 7 13 11 17M6.7 17H11l.8-4.2",
    orbit_left: "M13 6.5c3 .3 5 1.7 5 3.7 0 2.3-3 4-7 4s-7-1.7-7-4c0-1 .6-2 1.6-2.7M3.2 6.2l2.6 1.2-.8 2.8",
    orbit_right: "M9 6.5c-3 .3-5 1.7-5 3.7 0 2.3 3 4 7 4s7-1.7 7-4c0-1-.6-2-1.6-2.7M18.8 6.2l-2.6 1.2.8 2.8",
    zoom_in: "M12.5 9.5L17.5 4.5M13.8 4.5h3.7v3.7M9.5 12.5l-5 5M4.5 13.8v3.7h3.7",
    zoom_out: "M17.5 4.5l-5 5M12.5 5.8v3.7h3.7M4.5 17.5l5-5M5.8 12.5h3.7v3.7",
    roll_left: "M5.5 7.5a7 7 0 1 1-1.3 5.5M5 3.8v4h4",
    roll_right: "M16.5 7.5a7 7 0 1 0 1.3 5.5M17 3.8v4h-4",
    dolly_zoom_in: "M4 8V4.5h3.5M18 8V4.5h-3.5M4 14v3.5h3.5M18 14v3.5h-3.5M11 14.5V8M8.6 10.2L11 7.8l2.4 2.4",
    dolly_zoom_out: "M4 8V4.5h3.5M18 8V4.5h-3.5M4 14v3.5h3.5M18 14v3.5h-3.5M11 7.5V14M8.6 11.8l2.4 2.4 2.4-2.4",
    handheld: "M3.5 11c1.7-5 3.2-5 4.8 0s3.2 5 4.8 0 3.2-5 4.9 0",
    push_orbit_left: "M14 7c2.5.4 4 1.6 4 3.4 0 2.4-3 4.1-7 4.1s-7-1.7-7-4.1C4 9 4.8 8.2 6 7.6M11 13V5M8.6 7.2L11 4.8l2.4 2.4",
    push_orbit_right: "M14 7c2.5.4 4 1.6 4 3.4 0 2.4-3 4.1-7 4.1s-7-1.7-7-4.1C4 9 4.8 8.2 6 7.6M11 13V5M8.6 7.2L11 4.8l2.4 2.4",
  };

  function node(tag, attributes, ...children) {
    const one = document.createElementNS(SPACE, tag);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    one.append(...children);
    return one;
  }

  Stir.scene = (move) => {
    const hills = node("path", { d: "M-40 31L-22 15l10 8L4 8l14 15 9-7L40 27 52 12l14 13 12-9 26 15v24H-40z", class: "hills" });
    const sun = node("circle", { cx: 51, cy: 7, r: 3, class: "sun" });
    const ground = node("path", { d: "M-40 32.5q36-4.5 72-4.5t72 4.5V70H-40z", class: "ground" });
    const figure = node("g", { class: "figure" }, node("circle", { cx: 37, cy: 17, r: 3.8 }), node("path", { d: "M29.5 37c0-9.5 2.5-14.5 7.5-14.5s7.5 5 7.5 14.5z" }));
    const world = node("g", { class: "world" }, node("g", { class: "far" }, sun, hills), node("g", { class: "near" }, ground, figure));
    const mark = node("path", { class: "mark" });
    const svg = node("svg", { viewBox: "0 0 60 36", class: "scene", "aria-hidden": "true", preserveAspectRatio: "xMidYMid slice" }, world, mark);
    svg.play = (name) => {
      const [fx, fy, fs, nx, ny, ns, turn] = PATHS[name];
      svg.dataset.move = name;
      mark.setAttribute("d", MARKS[name]);
      for (const [key, value] of Object.entries({ fx: fx + "px", fy: fy + "px", fs, nx: nx + "px", ny: ny + "px", ns, turn: turn + "deg" })) svg.style.setProperty("--" + key, value);
    };
    svg.play(move);
    return svg;
  };
})();
