/* The film: photos on the desk, each with a crop of its own. What a crop of an aspect is, the strip that shows them, and the studio's
   own idea of where each crop lies, asked for one photo after the other. */
(() => {
  const { h, icon, file } = Stir;
  const SLOW = 4; // crops still to be placed from which on the strip says how far it is

  /* Crops of a photo {width, height} in fractions; `ratios` is width over height of each aspect. */
  Stir.shapes = (ratios) => {
    const ratio = (photo, aspect) => (aspect === "photo" ? photo.width / photo.height : ratios[aspect]);
    function around(photo, aspect, { x, y }, area) {
      const slope = photo.width / photo.height / ratio(photo, aspect);
      const w = Math.min(1, 1 / slope, Math.sqrt(area / slope));
      const tall = Math.min(1, w * slope);
      return { x: Stir.clamp(x - w / 2, 0, 1 - w), y: Stir.clamp(y - tall / 2, 0, 1 - tall), w, h: tall, aspect };
    }
    return {
      ratio,
      /* The largest crop of an aspect, in the middle. */
      whole: (photo, aspect) => around(photo, aspect, { x: 0.5, y: 0.5 }, Infinity),
      /* A crop of another aspect about the same centre, as large as the one before where the photo has room. */
      refit: (photo, crop, aspect) => around(photo, aspect, { x: crop.x + crop.w / 2, y: crop.y + crop.h / 2 }, crop.w * crop.h),
    };
  };

  /* A picture that shows a crop of it and nothing else; `node.crop(crop, ratio)` moves it. */
  Stir.cropView = (path, props = {}) => {
    const image = h("img", { src: file(path), alt: "", loading: "lazy", draggable: "false" });
    const node = h("span", { ...props, class: "cropped " + (props.class ?? "") }, image);
    node.crop = ({ x, y, w, h: tall }, ratio) => {
      node.style.setProperty("--shape", ratio);
      Object.assign(image.style, { width: 100 / w + "%", height: 100 / tall + "%", left: (-x / w) * 100 + "%", top: (-y / tall) * 100 + "%" });
    };
    node.image = image;
    return node;
  };

  /* The strip: a thumbnail of each photo, in the shape of its crop. */
  Stir.filmStrip = ({ pick, away, shape }) => {
    const cards = new Map(); // photo id → card
    const row = h("div", { class: "film", role: "group", "aria-label": "Photos" });
    const line = h("p", { class: "film-line", hidden: true });
    const node = h("div", { class: "film-room" }, row, line);
    const name = (photo, index) => photo.name || "Photo " + (index + 1);

    function make(photo) {
      const face = Stir.cropView(photo.thumb || photo.view);
      const choose = h("button", { type: "button", class: "film-pick", "data-photo": photo.id, onclick: () => pick(photo.id) }, face);
      const remove = h("button", { type: "button", class: "film-away", onclick: () => away(photo.id) }, icon("close", 10));
      return { node: h("div", { class: "film-one" }, choose, remove), choose, remove, face };
    }
    function paint(film, current, own) {
      node.hidden = film.length < 2;
      for (const [id, card] of cards) if (!film.some((photo) => photo.id === id)) card.node.remove(), cards.delete(id);
      film.forEach((photo, index) => {
        if (!cards.has(photo.id)) cards.set(photo.id, make(photo));
        const { node: one, choose, remove, face } = cards.get(photo.id);
        const told = own(photo);
        choose.setAttribute("aria-pressed", String(index === current));
        choose.setAttribute("aria-label", name(photo, index) + (told ? ", " + told : ""));
        choose.title = name(photo, index) + (told ? ", " + told : "");
        choose.classList.toggle("own", Boolean(told));
        remove.setAttribute("aria-label", "Take " + name(photo, index) + " off the strip");
        face.crop(photo.crop, shape(photo));
        if (row.children[index] !== one) row.insertBefore(one, row.children[index] ?? null);
      });
    }
    return {
      node,
      paint,
      focus: (id) => cards.get(id)?.choose.focus({ preventScroll: true }),
      reveal: (id) => !node.hidden && cards.get(id)?.node.scrollIntoView({ block: "nearest", inline: "nearest" }),
      /* How many crops are still to be placed, where that takes a while. */
      count(left, all) {
        line.hidden = !left || (line.hidden && left < SLOW);
        line.textContent = `Placing the crops, ${all - left} of ${all}`;
      },
    };
  };

  /* Where crops lie, asked of the studio one by one, the photo on the desk first. A photo that `wants` an aspect gets it; one whose
     wish changes meanwhile is asked for again. `film()` and `here()` are the photos now, `placed(photo)` after each. */
  Stir.placing = ({ server, film, here, placed, told }) => {
    let working = false;
    const waiting = []; // those who wait until photos have their crops
    const next = () => (here()?.wants ? here() : film().find((photo) => photo.wants));
    const releaseWaiting = () => waiting.splice(0).forEach((one) => (one.until() ? one.go() : waiting.push(one)));

    async function work() {
      if (working) return;
      working = true;
      for (let photo = next(); photo; photo = next()) {
        told(film().filter((one) => one.wants).length, film().length);
        const aspect = photo.wants;
        const answer = await Stir.ask(server.suggest_crop, { photo: photo.id, aspect, subject: photo.subject ?? "" }, "photo");
        if (photo.wants !== aspect) continue;
        photo.wants = "";
        if (answer) Object.assign(photo, { crop: answer.crop, why: answer.why });
        placed(photo);
        releaseWaiting();
      }
      working = false;
      told(0, film().length);
      releaseWaiting();
    }
    return {
      work,
      /* Once the crop of the photo on the desk, or of all, is where the studio puts it. */
      done(all = false) {
        const until = () => (all ? !film().some((photo) => photo.wants) : !here()?.wants);
        work();
        return until() ? Promise.resolve() : new Promise((go) => waiting.push({ until, go }));
      },
    };
  };
})();
