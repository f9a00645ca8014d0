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
    orbit_left: [-13, 0, 1, 1.500, 0, 1, 0],
    orbit_right: [13, 0, 1, -1.500, 0, 1, 0],
    zoom_in: [0, 0, 1.4, 0, 1, 1.4, 0],
    zoom_out: [0, 0, 0.74, 0, -1, 0.74, 0],
    roll_left: [0, 0, 1.06, 0, 0, 1.06, 13],
    roll_right: [0, 0, 1.06, 0, 0, 1.06, -13],
    dolly_zoom_in: [0, 0, 0.7, 0, 0, 1, 0],
    dolly_zoom_out: [0, 0, 1.4, 0, 0, 1, 0],
    handheld: [2, 1, 1.04, 3.500, -2, 1.06, 1.500],
    push_orbit_left: [-11, 0, 1.15, 1, 2, 1.45, 0],
    push_orbit_right: [11, 0, 1.15, -1, 2, 1.45, 0],
  };

  /* The mark on a tile at rest: where the camera goes, in the corner of the sky. */
  const MARKS = {
    static: "M11 4.500v7M11 11.500l-4.500 6M11 11.500l4.500 6M8 4.500h6",
    dolly_in: "M4 17.500L8 5M18 17.500L14 5M11 16.500V7M8.400 9.600L11 7l2.600 2.600",
    dolly_out: "M4 17.500L8 5M18 17.500L14 5M11 6v10M8.400 13.400L11 16l2.600-2.600",
    truck_left: "M18 9H5M8 6L5 9l3 3M4 15.500h14",
    truck_right: "M4 9h13M14 6l3 3-3 3M4 15.500h14",
    crane_up: "M9 18V5M6 8l3-3 3 3M16 4.500v13",
    crane_down: "M9 4.500v13M6 14.500l3 3 3-3M16 4.500v13",
    pan_left: "M18 13.500C15.500 7.500 9 6.500 5 10.500M9.200 11.200L5 10.500V6.200",
    pan_right: "M4 13.500C6.500 7.500 13 6.500 17 10.500M12.800 11.200l4.200-.7V6.200",
    tilt_up: "M14 18C8 15.500 7 9 11 5M6.700 5H11l.8 4.200",
    tilt_down: "M14 4C8 6.500 7 13 11 17M6.700 17H11l.8-4.200",
    orbit_left: "M13 6.500c3 .3 5 1.700 5 3.700 0 2.300-3 4-7 4s-7-1.700-7-4c0-1 .6-2 1.600-2.700M3.200 6.200l2.600 1.200-.8 2.800",
    orbit_right: "M9 6.500c-3 .3-5 1.700-5 3.700 0 2.300 3 4 7 4s7-1.700 7-4c0-1-.6-2-1.600-2.700M18.800 6.200l-2.600 1.200.8 2.800",
    zoom_in: "M12.500 9.500L17.500 4.500M13.800 4.500h3.700v3.700M9.500 12.500l-5 5M4.500 13.800v3.700h3.700",
    zoom_out: "M17.500 4.500l-5 5M12.500 5.800v3.700h3.700M4.500 17.500l5-5M5.800 12.500h3.700v3.700",
    roll_left: "M5.500 7.500a7 7 0 1 1-1.300 5.500M5 3.800v4h4",
    roll_right: "M16.500 7.500a7 7 0 1 0 1.300 5.500M17 3.800v4h-4",
    dolly_zoom_in: "M4 8V4.500h3.500M18 8V4.500h-3.500M4 14v3.500h3.500M18 14v3.500h-3.500M11 14.500V8M8.600 10.200L11 7.800l2.400 2.400",
    dolly_zoom_out: "M4 8V4.500h3.500M18 8V4.500h-3.500M4 14v3.500h3.500M18 14v3.500h-3.500M11 7.500V14M8.600 11.800l2.400 2.400 2.400-2.400",
    handheld: "M3.500 11c1.700-5 3.200-5 4.800 0s3.200 5 4.800 0 3.200-5 4.900 0",
    push_orbit_left: "M14 7c2.500.4 4 1.600 4 3.400 0 2.400-3 4.100-7 4.100s-7-1.700-7-4.100C4 9 4.800 8.200 6 7.600M11 13V5M8.600 7.200L11 4.800l2.400 2.400",
    push_orbit_right: "M14 7c2.500.4 4 1.600 4 3.400 0 2.400-3 4.100-7 4.100s-7-1.700-7-4.100C4 9 4.800 8.200 6 7.600M11 13V5M8.600 7.200L11 4.800l2.400 2.400",
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
    const ground = node("path", { d: "M-40 32.500q36-4.500 72-4.500t72 4.500V70H-40z", class: "ground" });
    const figure = node("g", { class: "figure" }, node("circle", { cx: 37, cy: 17, r: 3.800 }), node("path", { d: "M29.500 37c0-9.500 2.500-14.500 7.500-14.500s7.500 5 7.500 14.500z" }));
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
