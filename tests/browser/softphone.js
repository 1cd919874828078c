// A softphone in a browser: registers, calls a number, and reports what its microphone gave and what it heard.
import { SimpleUser } from "./sip.js/lib/platform/web/index.js";

const asked = new URLSearchParams(location.search);
const SECONDS = Number(asked.get("seconds"));
const RATE = 8000;

async function report(what, values) {
  await fetch(`/report/${what}`, { method: "POST", body: values });
}

// Samples of a stream, 16 bit, for as long as is listened.
function listen(context, stream) {
  const heard = [];
  const source = context.createMediaStreamSource(stream);
  const tap = context.createScriptProcessor(1024, 1, 1);
  tap.onaudioprocess = (event) => {
    heard.push(Int16Array.from(event.inputBuffer.getChannelData(0), (value) => value * 32767));
  };
  source.connect(tap);
  tap.connect(context.destination);
  return heard;
}

async function figures(user) {
  const connection = user.session.sessionDescriptionHandler.peerConnection;
  const found = {};
  for (const each of (await connection.getStats()).values()) {
    if (each.type === "inbound-rtp") found.received = each.packetsReceived;
    if (each.type === "transport") Object.assign(found, { dtls: each.dtlsState, cipher: each.srtpCipher });
  }
  return found;
}

async function run() {
  const user = new SimpleUser(asked.get("server"), {
    aor: asked.get("aor"),
    media: {
      constraints: { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: false },
      remote: { audio: document.getElementById("remote") },
    },
    userAgentOptions: {
      authorizationUsername: asked.get("user"),
      authorizationPassword: asked.get("secret"),
      logLevel: "error",
    },
  });
  const answered = new Promise((resolve, reject) => {
    user.delegate = { onCallAnswered: resolve, onCallHangup: () => reject(new Error("the call ended early")) };
  });
  await user.connect();
  const registered = new Promise((resolve) => (user.delegate.onRegistered = resolve));
  await user.register();
  await registered;
  await user.call(asked.get("call"));
  await answered;
  const context = new AudioContext({ sampleRate: RATE });
  const said = listen(context, user.localMediaStream);
  const heard = listen(context, user.remoteMediaStream);
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const transport = await figures(user);
  user.delegate.onCallHangup = () => {};
  await user.hangup();
  await user.unregister();
  await report("said", new Blob(said));
  await report("heard", new Blob(heard));
  await report("done", JSON.stringify(transport));
}

run().catch((error) => report("failed", `${error}\n${error.stack}`));
