// The tab of the camera: pictures go to the server one by one, the newest each time, and come back matted.
(() => {
  const SIDE = 640, QUALITY = 0.85;
  let key = null, stream = null, running = false;
  const part = (name) => document.getElementById(`camera-${name}`);
  const words = () => part("panel").dataset;

  function tell(text, error) {
    const place = part("message");
    if (place.textContent === text) return;
    place.textContent = text;
    place.className = `message ${error ? "error" : "note"}`;
  }

  function enable(live) {
    part("start").disabled = live;
    for (const name of ["take", "behind", "stop"]) part(name).disabled = !live;
  }

  async function start() {
    part("start").disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: SIDE }, height: { ideal: 480 } } });
    } catch (error) {
      enable(false);
      return tell(words().denied, true);
    }
    const video = part("in");
    try {
      const answer = await fetch("../v1/cameras", { method: "POST" });
      const facts = await answer.json();
      if (!answer.ok) {
        stop();
        return tell(facts.error.message, true);
      }
      key = facts.id;
      video.srcObject = stream;
      await video.play();
    } catch (error) {  // the server is not reached, a proxy answers in its own words, or the picture cannot be shown
      stop();
      return tell(String(error), true);
    }
    running = true;
    enable(true);
    loop(video);
  }

  async function loop(video) {
    const small = document.createElement("canvas"), mine = key;
    while (running && key === mine) {
      if (!document.body.contains(video)) return stop();
      const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
      small.width = Math.round(video.videoWidth * scale);
      small.height = Math.round(video.videoHeight * scale);
      if (!small.width) { await pause(50); continue; }
      small.getContext("2d").drawImage(video, 0, 0, small.width, small.height);
      const picture = await new Promise((done) => small.toBlob(done, "image/jpeg", QUALITY));
      try {
        await show(await fetch(`../v1/cameras/${mine}/frame`, { method: "POST", body: picture }));
      } catch (error) {
        tell(String(error), true);
        await pause(500);
      }
    }
  }

  async function show(answer) {
    if (answer.status === 429) return pause(200);
    if (!answer.ok) {
      tell((await answer.json()).error.message, true);
      return answer.status === 404 ? stop() : pause(500);
    }
    const facts = JSON.parse(answer.headers.get("X-Camera"));
    const bitmap = await createImageBitmap(await answer.blob());
    const canvas = part("out");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    canvas.dataset.state = facts.state;
    canvas.dataset.frames = Number(canvas.dataset.frames || 0) + 1;
    const left = (facts.text.match(/[\d.]+/) || [""])[0];
    const text = (words()[facts.state] || facts.text).replace("{left}", `${Math.ceil(Number(left))} s`);
    tell([text, ...facts.notes].join("\n"), facts.notes.length > 0);
  }

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  function stop() {
    running = false;
    if (stream) stream.getTracks().forEach((track) => track.stop());
    if (key) fetch(`../v1/cameras/${key}`, { method: "DELETE", keepalive: true });
    key = stream = null;
    if (part("start")) enable(false);
  }

  const press = (sign) => key && fetch(`../v1/cameras/${key}/key/${sign}`, { method: "POST" });
  const acts = { "camera-start": start, "camera-stop": stop, "camera-take": () => press("b"), "camera-behind": () => press("t") };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button[id^=camera-]");
    if (button && acts[button.id] && !button.disabled) acts[button.id]();
  });
  window.addEventListener("pagehide", stop);
})();
