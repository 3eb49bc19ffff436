// Answers the questions of tests/webhooks/exchange.py with what the page for partners shows for Node.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const { isGenuine } = await import(`${process.cwd()}/by_secret.mjs`);
const { isGenuineByKey } = await import(`${process.cwd()}/by_key.mjs`);

for await (const line of createInterface({ input: process.stdin })) {
  const [asked, key, id, timestamp, signature, encoded, recipient] = line.split("\t");
  const body = Buffer.from(encoded, "base64");
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  if (asked === "sign") {
    console.log(new Webhook(key).sign(id, new Date(Number(timestamp) * 1000), body));
  } else {
    const holds =
      asked === "verify" ? isGenuine(key, headers, body) : isGenuineByKey(key, recipient, headers, body);
    console.log(holds ? "genuine" : "refused");
  }
}
