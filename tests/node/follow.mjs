// Follows a mailbox with the `eventsource` package, as its documentation shows; prints each delivery told of.
import { EventSource } from "eventsource";

const [url, key, number] = process.argv.slice(2);
const seen = new Set();
const source = new EventSource(url, {
  fetch: (input, init) =>
    fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${key}` } }),
});
source.addEventListener("delivery", (event) => {
  const { delivery } = JSON.parse(event.data);
  console.log(delivery);
  seen.add(delivery);
  if (seen.size === Number(number)) source.close();
});
source.addEventListener("resync", () => console.log("resync"));
