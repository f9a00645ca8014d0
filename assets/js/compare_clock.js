/* One clock for several players. It owns the time; every player follows it.

   While it plays, each player is kept at the clock's time by small changes of its rate, and where that would take too long by a
   seek. The clock waits whenever one of them is not there yet: it slows down, and stops where it must, so that they stay in step on
   a machine that can't keep up, and where one is put back to its beginning. Paused, each is put at the middle of the frame of that
   moment, and what it shows is looked at: a seek to k/fps may show frame k-1. */
(() => {
  const LATE = 0.025; // seconds that a player may be behind before all wait,
  const AHEAD = 0.01; // seconds
  const THERE = 0.01; // and at which they go on
  const OLD = 0.05; // seconds that a picture may be older than the screen explains, before all go slowly,
  const SLOW = 0.5; // at this pace,
  const WHILE = 700; // for so many ms
  const PATIENCE = 300; // ms that the others wait for a film with sound to begin: it takes some 50
  const JUMP = 0.3; // seconds of error that are no error of the clock
  const NEAR = 1e-4; // of a frame: what rounding makes of its first moment

  /* `paint(clock)` after every change of what is to be seen of it. */
  Stir.compareClock = (paint) => {
    const players = new Set();
    let plan = []; // {seconds, fps} of all that belong to it, whether their players are open or not
    const active = new Set(); // those one sees
    let at = 0;
    let playing = false;
    let pace = 0; // of the speed: 1, 0 while all wait for one, SLOW where the machine is too slow
    let speed = 1;
    let loop = true;
    let short = "hold"; // what a clip does that is over before the longest: "hold" its last frame, or "loop"
    let before = 0;
    let timer = 0;
    let settled = Promise.resolve();
    let turn = 0;
    let screen = 1 / 60; // seconds between two pictures of the screen, as they come
    let begins = 0; // since when those with sound begin, before the others
    let slows = 0; // until when all go slowly
    let waits = 0; // since when it waits

    const duration = () => Math.max(...plan.map((one) => one.seconds), 0);
    /* Frames a second of the finest of them: what a step is. */
    const rate = () => Math.max(...plan.map((one) => one.fps), 1);
    const count = () => Math.max(1, Math.round(duration() * rate()));
    const frame = () => Stir.clamp(Math.floor(at * rate() + NEAR), 0, count() - 1);
    const own = (player) => (short === "loop" && player.seconds ? at % player.seconds : at);
    /* Whether it holds its last frame. */
    const over = (player) => own(player) >= (player.frames - 0.5) / player.fps;

    function tick() {
      if (!playing) return;
      timer = requestAnimationFrame(tick);
      const now = performance.now();
      const passed = Math.min((now - before) / 1000, 1);
      before = now;
      screen += 0.1 * (Stir.clamp(passed, 0.008, 0.1) - screen);
      at += passed * speed * pace;
      if (at >= duration()) {
        if (!loop) return void end();
        at %= duration();
        pace = 0;
      }
      at += common();
      const late = Math.max(...[...active].map(behind), 0);
      const waited = pace === 0 && !begins;
      pace = late > (waited ? THERE : LATE) ? 0 : 1;
      if (pace && waited) begins = now;
      const slow = pace && begins && now - begins < PATIENCE ? [...active].filter((one) => one.hears() && !over(one) && !one.going() && one.error(own(one)) < AHEAD) : [];
      if (slow.length) pace = 0;
      else begins = 0;
      if (pace && !waited && [...active].some(isOld)) slows = now + WHILE;
      if (pace && now < slows) pace = SLOW;
      waits = pace === 1 ? 0 : waits || now;
      for (const one of active) one.follow(own(one), speed * (slow.includes(one) ? 1 : pace), speed);
      paint(clock);
    }
    /* What all who play are ahead by, in seconds: then it is the clock that is behind. */
    function common() {
      if (!pace) return 0;
      const errors = [...active].filter((one) => one.moving && one.ready() && !over(one)).map((one) => one.error(own(one)));
      const middle = errors.sort((one, other) => one - other)[errors.length >> 1] ?? 0;
      return Math.abs(middle) < JUMP ? Math.max(middle / 2, -at) : 0;
    }
    /* How many seconds a player is behind; without end where it can't play yet. */
    function behind(player) {
      if (!player.moving || over(player)) return 0;
      if (!player.ready()) return Infinity;
      return -player.error(own(player));
    }
    /* Whether this machine doesn't decode it as fast as it plays. */
    const isOld = (player) => !over(player) && player.lag(own(player)) / player.fps > (screen + OLD) * Math.max(speed, 0.5);
    function end() {
      at = (count() - 0.5) / rate();
      pause();
    }
    /* Every one at exactly this moment. */
    function settle() {
      const mine = ++turn;
      settled = Promise.all([...active].map((one) => one.show(own(one)).catch(() => {}))).then(() => mine === turn && paint(clock));
      return settled;
    }
    function play() {
      if (playing || !duration()) return;
      if (!loop && frame() === count() - 1) at = 0;
      playing = true;
      pace = waits = 0;
      paint(clock);
      const mine = ++turn;
      settled.then(() => {
        if (mine !== turn || !playing) return;
        before = performance.now();
        timer = requestAnimationFrame(tick);
      });
    }
    function pause() {
      playing = false;
      cancelAnimationFrame(timer);
      at = (frame() + 0.5) / rate();
      for (const one of players) one.rest();
      paint(clock);
      return settle();
    }
    /* To a time in seconds; while it plays, it goes on from there. */
    function seek(time) {
      at = Stir.clamp(time, 0, Math.max(0, duration() - 0.001));
      if (playing || !duration()) pace = 0;
      else at = (frame() + 0.5) / rate();
      paint(clock);
      return playing ? settled : settle();
    }
    const clock = {
      play,
      pause,
      seek,
      toggle: () => (playing ? pause() : play()),
      step(by) {
        if (playing) pause();
        return seek((((frame() + by) % count()) + count()) % count() / rate() + 0.5 / rate());
      },
      plan(clips) {
        plan = clips;
        if (playing) at %= duration() || 1;
        else at = (frame() + 0.5) / rate();
        paint(clock);
      },
      add(player) {
        players.add(player);
        player.opened.then(() => active.has(player) && !playing && settle(), () => clock.remove(player));
      },
      remove(player) {
        players.delete(player);
        active.delete(player);
      },
      /* Which of them are to be seen; the others rest. */
      see(seen) {
        for (const one of active) if (!seen.has(one)) one.rest(), active.delete(one);
        for (const one of seen) if (players.has(one)) active.add(one);
        if (playing) pace = 0;
        else settle();
      },
      set(changes) {
        speed = changes.speed ?? speed;
        loop = changes.loop ?? loop;
        short = changes.short ?? short;
        if (!playing) settle();
        paint(clock);
      },
      get at() { return at; },
      get playing() { return playing; },
      /* For how many ms it has been waiting for somebody. */
      get waiting() { return playing && waits ? performance.now() - waits : 0; },
      get duration() { return duration(); },
      get rate() { return rate(); },
      get frame() { return frame(); },
      get frames() { return count(); },
      get settled() { return settled; },
    };
    return clock;
  };
})();
