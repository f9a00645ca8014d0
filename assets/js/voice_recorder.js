/* A voice from the browser's microphone, as a WAV file: mono, 24 kHz, 16 bits, which every service takes. It stays in this browser
   until it is stopped. */
(() => {
  const RATE = 24000;
  const LONGEST = 100; // s: 4.8 MB, and the strictest service takes 5

  /* The samples of a recording as a WAV file. */
  function writeWav(samples) {
    const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
    const words = (at, text) => [...text].forEach((one, index) => view.setUint8(at + index, one.charCodeAt(0)));
    words(0, "RIFF"), view.setUint32(4, 36 + samples.length * 2, true), words(8, "WAVEfmt ");
    view.setUint32(16, 16, true), view.setUint16(20, 1, true), view.setUint16(22, 1, true);
    view.setUint32(24, RATE, true), view.setUint32(28, RATE * 2, true), view.setUint16(32, 2, true), view.setUint16(34, 16, true);
    words(36, "data"), view.setUint32(40, samples.length * 2, true);
    samples.forEach((one, index) => view.setInt16(44 + index * 2, Stir.clamp(one, -1, 1) * 32767, true));
    return new Blob([view], { type: "audio/wav" });
  }
  /* What was recorded, mixed to one channel at RATE. */
  async function decode(blob) {
    const reader = new AudioContext();
    const sound = await reader.decodeAudioData(await blob.arrayBuffer());
    await reader.close();
    const mixer = new OfflineAudioContext(1, Math.max(1, Math.ceil(Math.min(sound.duration, LONGEST) * RATE)), RATE);
    const source = new AudioBufferSourceNode(mixer, { buffer: sound });
    source.connect(mixer.destination);
    source.start();
    return (await mixer.startRendering()).getChannelData(0);
  }
  const DENIED = { reason: "The browser gave no microphone.", remedy: "Allow it for this page, or choose a file." };

  /* `hear(file)` once it is stopped; `paint(seconds)` four times a second, null when it is over; `refuse(refusal)`. */
  Stir.voiceRecorder = ({ hear, paint, refuse }) => {
    let recorder = null;
    let asked = 0;
    async function start() {
      const mine = ++asked;
      const stream = await navigator.mediaDevices?.getUserMedia({ audio: true }).catch(() => null);
      if (!stream) return refuse(DENIED);
      const release = () => stream.getTracks().forEach((one) => one.stop());
      if (mine !== asked) return release(); // it was stopped while the browser asked
      const pieces = [];
      const since = Date.now();
      recorder = new MediaRecorder(stream);
      recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
      recorder.addEventListener("stop", async () => {
        clearInterval(clock);
        release();
        recorder = null;
        paint(null);
        const samples = await decode(new Blob(pieces)).catch(() => null);
        if (!samples?.length) return refuse({ reason: "Nothing was recorded.", remedy: "Record it again, or choose a file." });
        hear(new File([writeWav(samples)], "Recorded voice.wav", { type: "audio/wav" }));
      });
      recorder.start();
      paint(0);
      const clock = setInterval(() => {
        const seconds = (Date.now() - since) / 1000;
        if (seconds >= LONGEST) stop();
        else paint(seconds);
      }, 250);
    }
    const stop = () => ((asked += 1), recorder?.state === "recording" && recorder.stop());
    return { flip: () => (recorder ? stop() : start()), stop };
  };
})();
