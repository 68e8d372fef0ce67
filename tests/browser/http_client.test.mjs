// The HTTP client of the tests, against servers that close connections.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { HttpClient } from './server.mjs';

async function listen(t, handle) {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, client: new HttpClient(`http://127.0.0.1:${server.address().port}`) };
}

test('request does not meet a connection that was closed while idle', async (t) => {
  const ports = [];
  const { server, client } = await listen(t, ({ socket }, response) => {
    ports.push(socket.remotePort);
    response.end();
  });
  server.keepAliveTimeout = 60_000;
  for (let count = 0; count < 5; count += 1) {
    const form = { action: '/', hidden: [] };
    assert.equal((await client.submit(form, {})).status, 200);
    server.closeIdleConnections();
  }
  assert.equal(new Set(ports).size, 5, 'each request has its own connection');
});

test('POST on a connection closed before the response is sent once', async (t) => {
  let requests = 0;
  const { client } = await listen(t, ({ socket }) => {
    requests += 1;
    socket.destroy();
  });
  await assert.rejects(client.submit({ action: '/', hidden: [] }, {}), /fetch failed/);
  assert.equal(requests, 1);
});
