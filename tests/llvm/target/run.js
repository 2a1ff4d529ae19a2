// run.js FILE.wasm: runs driver.c in node and prints its words. The math library of a page is JavaScript's.
const bytes = require('fs').readFileSync(process.argv[2]);
const float = (f) => (x) => Math.fround(f(x));
const env = { expf: float(Math.exp), logf: float(Math.log), log1pf: float(Math.log1p), tanhf: float(Math.tanh), sqrtf: float(Math.sqrt) };
const page = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports;
const at = page.page_words();
if (at === 0)
    process.exit(1);
const words = new Uint32Array(page.memory.buffer, at, page.page_count());
process.stdout.write(Array.from(words, (w) => w.toString(16).padStart(8, '0')).join('\n') + '\n');
