// Prints tests/webhooks/vectors.json: signatures of Standard Webhooks as Node's own crypto makes them.
// Run as: node tests/node/webhook_vectors.mjs > tests/webhooks/vectors.json
import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_ED25519_BYTES = 12;

const bytes = (name, count) =>
  Buffer.concat([1, 2].map((part) => createHash("sha256").update(`${name} ${part}`).digest())).subarray(0, count);
const secret = (name, count) => `whsec_${bytes(name, count).toString("base64")}`;
const signingKey = (name) => `whsk_${bytes(name, 32).toString("base64")}`;

function vector(name, { id, timestamp, body, secrets, key }) {
  const signed = Buffer.from(`${id}.${timestamp}.${body}`, "utf-8");
  const symmetric = secrets.map((each) => {
    const raw = Buffer.from(each.slice("whsec_".length), "base64");
    return `v1,${createHmac("sha256", raw).update(signed).digest("base64")}`;
  });
  const seed = Buffer.from(key.slice("whsk_".length), "base64");
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const asymmetric = `v1a,${sign(null, signed, privateKey).toString("base64")}`;
  return {
    name,
    secrets,
    signing_key: key,
    public_key: `whpk_${spki.subarray(SPKI_ED25519_BYTES).toString("base64")}`,
    body,
    headers: {
      "webhook-id": id,
      "webhook-timestamp": `${timestamp}`,
      "webhook-signature": [...symmetric, asymmetric].join(" "),
    },
  };
}

const made = [
  // Secret, id, timestamp, body and v1 signature are those the specification's own site works through by hand.
  vector("the published example", {
    id: "msg_loFOjxBNrRLzqYUf",
    timestamp: 1731705121,
    body: '{"event_type":"ping","data":{"success":true}}',
    secrets: ["whsec_plJ3nmyCDGBKInavdOK15jsl"],
    key: signingKey("first"),
  }),
  vector("letters of several scripts", {
    id: "d-2kWPBgLlAfxdpx2AI54pPJ85f4W",
    timestamp: 1764237600,
    body: '{"type":"referral","data":{"name":"Zoë Ní Bhriain","language":"Cymraeg: tŷ, 日本語, \u{1F3E0}"}}',
    secrets: [secret("current", 32)],
    key: signingKey("first"),
  }),
  vector("the current secret and the one before it", {
    id: "d-rotated",
    timestamp: 1764237601,
    body: '{"type":"plan","data":{"objectives":[]}}',
    secrets: [secret("current", 32), secret("before", 32)],
    key: signingKey("second"),
  }),
  vector("the shortest and the longest secret", {
    id: "d_0",
    timestamp: 0,
    body: "{}",
    secrets: [secret("shortest", 24), secret("longest", 64)],
    key: signingKey("second"),
  }),
  vector("blanks and line ends are signed as they are", {
    id: "d-blanks",
    timestamp: 4102444800,
    body: '{ "type" : "progress",\r\n\t"data" : { "note" : "a.b.c \\u00e9 \\n" } }\n',
    secrets: [secret("current", 32)],
    key: signingKey("first"),
  }),
  vector("a long body", {
    id: "d-long",
    timestamp: 1764237602,
    body: JSON.stringify({ type: "assessment", data: { note: "é".repeat(5000) } }),
    secrets: [secret("current", 32)],
    key: signingKey("first"),
  }),
];
process.stdout.write(`${JSON.stringify({ made_by: "tests/node/webhook_vectors.mjs", vectors: made }, null, 1)}\n`);
