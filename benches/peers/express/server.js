// What Nylas' documentation shows for Express: the JSON parser keeps the raw body in `req.rawBody`,
// the handler computes the HMAC over it and compares in constant time.
// https://developer.nylas.com/docs/cookbook/use-cases/build/verify-webhook-signatures/
//
// Started by the command of this package, which passes the port's address and the secret.

import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';

const secret = process.env.NYLAS_WEBHOOK_SECRET;
const [host, port] = process.env.LISTEN.split(':');

const app = express();

app.use(
  express.json({
    // Nylas sends up to 1 MB; express stops at 100 kB by default.
    limit: '2mb',
    verify: (req, _res, buf) => {
      req.rawBody = buf;
    },
  }),
);

function isGenuine(rawBody, signature) {
  if (rawBody === undefined) return false;
  const expected = createHmac('sha256', secret).update(rawBody).digest('hex');
  const a = Buffer.from(expected, 'utf8');
  const b = Buffer.from(signature ?? '', 'utf8');
  return a.length === b.length && timingSafeEqual(a, b);
}

// The same triggers as in the other servers, with handlers that do nothing.
const handlers = {
  'message.created': () => {},
  'message.updated': () => {},
  'message.send_success': () => {},
  'message.send_failed': () => {},
  'message.bounce_detected': () => {},
  'event.created': () => {},
  'event.updated': () => {},
  'event.deleted': () => {},
  'grant.expired': () => {},
  'thread.replied': () => {},
};

app.post('/webhooks/nylas', (req, res) => {
  if (!isGenuine(req.rawBody, req.get('x-nylas-signature'))) {
    return res.status(401).end();
  }
  if (Object.hasOwn(handlers, req.body.type)) {
    handlers[req.body.type](req.body.data);
  }
  return res.status(200).end();
});

const server = app.listen(Number(port), host, (error) => {
  if (error) throw error;
  console.log(`listening on ${host}:${server.address().port}`);
});

// The end of the command is the end of this process, however the command ended.
process.stdin.on('end', () => process.exit(0)).resume();
