// The receivers of Nylas' documentation for Express: one answers before it stores, as is shown
// there; the other stores each request in a transaction of its own, and answers then.
// https://developer.nylas.com/docs/cookbook/use-cases/build/verify-webhook-signatures/
//
// Started by the bench, with the address, the secret, the file and the order in the environment.

import { createHmac, timingSafeEqual } from 'node:crypto';
import Database from 'better-sqlite3';
import express from 'express';

const secret = process.env.NYLAS_WEBHOOK_SECRET;
const answersFirst = process.env.ORDER === 'answers-first';

const db = new Database(process.env.FILE);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, body BLOB NOT NULL)');
const insert = db.prepare('INSERT OR IGNORE INTO inbox (id, body) VALUES (?, ?)');

const app = express();
app.use(
  express.json({
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

app.post('/webhooks/nylas', (req, res) => {
  if (!isGenuine(req.rawBody, req.get('x-nylas-signature'))) {
    return res.status(401).end();
  }
  if (answersFirst) res.status(200).end();
  insert.run(req.body.id, req.rawBody);
  if (!answersFirst) res.status(200).end();
});

app.get('/figures', (_req, res) => {
  res.type('text/plain').send(`0 ${Math.round(process.memoryUsage().rss / 1024)}`);
});

const server = app.listen(0, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});

// The end of the bench is the end of this process, however the bench ended.
process.stdin.on('end', () => process.exit(0)).resume();
