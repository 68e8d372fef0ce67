// The service worker of the test in 휴대전화 준비: answers one message. The page removes it afterwards.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('message', (event) => event.ports[0]?.postMessage('ready'));
