// Two softphones in one page: one calls the other with sound and pictures, and both report what arrived.
import { SimpleUser } from "./sip.js/lib/platform/web/index.js";

const asked = new URLSearchParams(location.search);
const PICTURES = { width: 160, height: 120, frameRate: 10 };
const PATIENCE_MS = 45000;

async function report(what, values) {
  await fetch(`/report/${what}`, { method: "POST", body: values });
}

async function phone(name, delegate) {
  const user = new SimpleUser(asked.get("server"), {
    aor: `sip:${name}@localhost`,
    delegate,
    media: {
      constraints: { audio: true, video: PICTURES },
      remote: { audio: document.getElementById(`${name}-sound`), video: document.getElementById(`${name}-pictures`) },
    },
    userAgentOptions: { authorizationUsername: name, authorizationPassword: "secret", logLevel: "error" },
  });
  await user.connect();
  const registered = new Promise((resolve) => (user.delegate.onRegistered = resolve));
  await user.register();
  await registered;
  return user;
}

async function figures(user) {
  const connection = user.session.sessionDescriptionHandler.peerConnection;
  const found = { transports: 0, sound: 0, frames: 0, asked: 0 };
  for (const each of (await connection.getStats()).values()) {
    if (each.type === "transport") found.transports += 1;
    if (each.type === "inbound-rtp" && each.kind === "audio") found.sound = each.packetsReceived;
    if (each.type === "inbound-rtp" && each.kind === "video") {
      Object.assign(found, { frames: each.framesDecoded, width: each.frameWidth });
    }
    if (each.type === "outbound-rtp" && each.kind === "video") found.asked = each.pliCount + each.firCount;
  }
  return found;
}

async function run() {
  const callee = await phone("second", {});
  callee.delegate.onCallReceived = () => callee.answer();
  const caller = await phone("browser", {});
  const answered = new Promise((resolve, reject) => {
    caller.delegate.onCallAnswered = resolve;
    caller.delegate.onCallHangup = () => reject(new Error("the call ended early"));
  });
  await caller.call(asked.get("call"));
  await answered;
  const until = Date.now() + PATIENCE_MS;
  let found;
  do {
    await new Promise((resolve) => setTimeout(resolve, 500));
    found = { caller: await figures(caller), callee: await figures(callee) };
  } while (Date.now() < until && !Object.values(found).every((each) => each.frames >= 20 && each.sound >= 50));
  caller.delegate.onCallHangup = () => {};
  await caller.hangup();
  await report("done", JSON.stringify(found));
}

run().catch((error) => report("failed", `${error}\n${error.stack}`));
