// The peer: npm probot, which verifies signatures, acts on nothing and stores nothing.
// Arguments: the directory it is installed in, the port. Environment: WEBHOOK_SECRET.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [directory, port] = process.argv.slice(2);
const { createNodeMiddleware, createProbot } = await import(
  pathToFileURL(`${directory}/node_modules/probot/lib/index.js`).href
);
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const probot = createProbot({
  overrides: { appId: 1, privateKey, secret: process.env.WEBHOOK_SECRET, logLevel: "fatal" },
});
const middleware = await createNodeMiddleware(() => {}, { probot, webhooksPath: "/webhook" });
createServer((request, response) => {
  middleware(request, response, () => response.writeHead(404).end());
}).listen(Number(port), "127.0.0.1");
