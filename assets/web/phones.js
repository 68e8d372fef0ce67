// 휴대전화 준비: registers a service worker, waits for its answer, and says whether pages can open without a network.

const TIMEOUT_MS = 10_000;

const button = document.querySelector('[data-test]');
const result = document.querySelector('[data-result]');
const base = document.documentElement.dataset.base ?? '';

const failing = (message) => new Promise((_, reject) => { setTimeout(() => reject(new Error(message)), TIMEOUT_MS); });

async function answer(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (worker.state !== 'activated') {
    await new Promise((resolve) => {
      worker.addEventListener('statechange', () => worker.state === 'activated' && resolve());
    });
  }
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise((resolve) => { port1.onmessage = resolve; });
  worker.postMessage('test', [port2]);
  return answered;
}

async function test() {
  if (!window.isSecureContext) return [false, '아직 안 돼요. 암호화되지 않은 주소라서, 신호가 없는 곳에서는 화면이 열리지 않아요.'];
  if (!navigator.serviceWorker) {
    return [false, '이 브라우저 창에서는 안 돼요. 비공개 창이 아닌 크롬, 삼성 인터넷, 사파리에서 다시 열어 주세요.'];
  }
  let registration;
  try {
    registration = await navigator.serviceWorker.register(`${base}/phones/worker.js`);
    await Promise.race([answer(registration), failing('no answer')]);
    return [true, '✔ 준비됐어요. 이 기기에서는 신호가 없는 곳에서도 화면이 열려요.'];
  } catch (error) {
    console.info('test of the service worker:', error.message);
    return [false, result.dataset.failed];
  } finally {
    await registration?.unregister();
  }
}

button.hidden = false;
button.addEventListener('click', async () => {
  button.disabled = true;
  result.textContent = '시험하고 있어요…';
  const [works, message] = await test();
  result.textContent = message;
  result.dataset.works = works;
  button.disabled = false;
});
