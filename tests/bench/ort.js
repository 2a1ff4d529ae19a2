/* ort.js: onnxruntime-node as a contestant (see worker.h).
 *
 *     ort.js infer MODEL.onnx N c,h,w IMAGE MODE
 *     ort.js version
 *
 * One thread. MODE is `run`, the documented way, through a promise, or `direct`, the binding below it, called without one: the time of the
 * runtime alone. Found by NODE_PATH. */
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

const WARM = 0.15;                  // as WORKER_WARM of worker.h
const now = () => Number(process.hrtime.bigint()) / 1e9;

function memory() {
  const line = fs.readFileSync('/proc/self/status', 'latin1').split('\n').find(l => l.startsWith('VmHWM'));
  return line ? parseInt(line.slice(6), 10) : 0;
}

/* One line of standard input, or '' at its end. */
let rest = '';
function order() {
  const piece = Buffer.alloc(256);
  while (!rest.includes('\n')) {
    let size = 0;
    try { size = fs.readSync(0, piece, 0, piece.length); } catch (error) { if (error.code === 'EAGAIN') continue; throw error; }
    if (!size) return '';
    rest += piece.toString('latin1', 0, size);
  }
  const at = rest.indexOf('\n');
  const line = rest.slice(0, at);
  rest = rest.slice(at + 1);
  return line;
}

async function turns(step, waits) {
  for (let line; (line = order()); ) {
    const seconds = parseFloat(line);
    let began = now(), warm = 0;
    do { if (waits) await step(); else step(); warm++; } while (now() - began < WARM * seconds);
    const calls = Math.max(1, Math.floor(seconds * warm / (now() - began)));
    began = now();
    if (waits) for (let i = 0; i < calls; i++) await step();
    else for (let i = 0; i < calls; i++) step();
    process.stdout.write(`${((now() - began) / calls).toPrecision(9)} ${calls} ${memory()}\n`);
  }
}

async function main(task, file, images, shape, image, mode) {
  const folder = path.dirname(require.resolve('onnxruntime-node/package.json'));
  const version = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'))).version;
  if (task === 'version') {
    console.log(`onnxruntime-node ${version} (Node ${process.versions.node})`);
    return;
  }
  const dims = shape.split(',').map(Number), size = dims.reduce((a, b) => a * b), n = parseInt(images, 10);
  const bytes = fs.readFileSync(image), one = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * size));
  const x = new Float32Array(n * size);
  for (let i = 0; i < n; i++) x.set(one, i * size);
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all', enableCpuMemArena: true };
  const tensor = new ort.Tensor('float32', x, [n, ...dims]);
  let step, y;
  if (mode === 'direct') {
    const { binding, initOrt } = require(path.join(folder, 'dist/binding.js'));
    if (initOrt) initOrt();
    const session = new binding.InferenceSession();
    session.loadModel(file, options);
    step = () => session.run({ x: tensor }, { y: null }, {});
    y = step().y;
  } else {
    const session = await ort.InferenceSession.create(file, options);
    step = () => session.run({ x: tensor });
    y = (await step()).y;
  }
  const values = y.data || y.cpuData || y[1] || [];
  console.log('ready ' + Array.from(values).slice(0, values.length / n).map(v => v.toPrecision(7)).join(' '));
  await turns(step, mode !== 'direct');
}

main(...process.argv.slice(2)).catch(error => { console.log('failed ' + String(error.message).split('\n')[0]); process.exit(1); });
