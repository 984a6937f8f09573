// Speed and memory of `temper data convert` beside Python's json module doing the same, and beside the upstream
// script when TEMPER_MINDSPEED_MM names a checkout. Usage: node bench/data.js [--rows N] [--runs N] [--dist DIR]
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { writeAnnotations } from './data-generator.js';
import { median } from './support/numbers.js';

const { values: flags } = parseArgs({
  options: {
    // The size of LLaVA-Instruct-150K with the images of COCO train2017: 157,712 rows, about 255 MB.
    rows: { type: 'string', default: '157712' },
    images: { type: 'string', default: '81479' },
    runs: { type: 'string', default: '3' },
    dist: { type: 'string', default: resolve(import.meta.dirname, '../dist') },
  },
});

const converter = join(flags.dist, 'host/data/convert-rows.js');
if (!existsSync(converter)) {
  process.stderr.write(`${converter} does not exist; run npm run build first\n`);
  process.exit(2);
}

const BARS = { times: 3, rssMb: 200 };

const folder = mkdtempSync(join(tmpdir(), 'temper-bench-data-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  // The places that upstream's script has hard-coded, relative to its working directory.
  const annotations = join(folder, 'data/llava_instruct_150k.json');
  const images = join(folder, 'data/COCO2017/train2017');
  mkdirSync(images, { recursive: true });
  await writeAnnotations(annotations, images, { rows: Number(flags.rows), images: Number(flags.images), seed: 1 });
  const bytes = statSync(annotations).size;
  print(`${flags.rows} rows, ${mega(bytes)} MB, ${flags.images} images, ${flags.runs} alternating runs each, median`);

  const script = findScript();
  // Older scripts write image paths from the working directory on.
  const prefix = script?.includes('/examples/') ? './data/COCO2017/train2017/' : './train2017/';
  const contestants = [temper(annotations, images, prefix), python(annotations, images, prefix), upstream(script)];
  const runs = contestants.map(() => []);
  for (let run = 0; run < Number(flags.runs); run += 1) {
    for (const [index, contestant] of contestants.entries()) {
      if (contestant.skipped === undefined) runs[index].push(await measure(contestant));
    }
  }
  const baseline = median(runs[0].map((run) => run.seconds));
  for (const [index, { name, skipped }] of contestants.entries()) {
    if (skipped !== undefined) {
      print(`${name.padEnd(28)} skipped: ${skipped}`);
      continue;
    }
    const seconds = median(runs[index].map((run) => run.seconds));
    const peak = Math.max(...runs[index].map((run) => run.peakRssMb));
    const times = index === 0 ? '' : `  temper is ${(seconds / baseline).toFixed(2)}x as fast`;
    print(
      `${name.padEnd(28)} ${seconds.toFixed(2)} s  ${Math.round(Number(flags.rows) / seconds)} rows/s  ` +
        `${(bytes / 1e6 / seconds).toFixed(0)} MB/s  peak RSS ${peak.toFixed(0)} MB${times}`,
    );
  }
  compareOutputs();
  judge(runs[0], runs.at(-1), baseline);
}

// What the converter must reach beside upstream's script; without a checkout only its memory can be judged.
function judge(own, theirs, baseline) {
  const peak = Math.max(...own.map((run) => run.peakRssMb));
  const bars = [[`peak RSS at most ${BARS.rssMb} MB`, peak <= BARS.rssMb]];
  if (theirs.length > 0) {
    const times = median(theirs.map((run) => run.seconds)) / baseline;
    bars.push([`at least ${BARS.times} times the speed of the upstream script`, times >= BARS.times]);
  }
  for (const [bar, isMet] of bars) print(`${isMet ? 'met' : 'MISSED'}: ${bar}`);
  if (bars.some(([, isMet]) => !isMet)) process.exitCode = 1;
}

function temper(annotations, images, mediaPrefix) {
  const options = { annotations, imagesDir: images, output: join(folder, 'temper.json'), mediaPrefix };
  const code = `import { convertRows } from ${JSON.stringify(pathToFileURL(converter).href)}; await convertRows(${JSON.stringify(options)});`;
  return { name: 'temper', argv: [process.execPath, '--input-type=module', '-e', code], cwd: folder };
}

function python(annotations, images, prefix) {
  const program = join(import.meta.dirname, 'data_baseline.py');
  const name = 'python json module';
  if (!hasPython()) return { name, skipped: 'no python3 in PATH' };
  return { name, argv: ['python3', program, annotations, images, join(folder, 'python.json'), prefix], cwd: folder };
}

// Moved in 2026-06; both places read and write the hard-coded defaults when called without arguments.
function findScript() {
  const checkout = process.env.TEMPER_MINDSPEED_MM;
  if (checkout === undefined) return undefined;
  const places = ['mindspeed_mm/fsdp/tools/data_tool', 'examples/qwen2vl'];
  return places.map((place) => join(checkout, place, 'llava_instruct_2_mllm_demo_format.py')).find(existsSync);
}

function upstream(script) {
  const name = 'upstream script';
  const checkout = process.env.TEMPER_MINDSPEED_MM;
  if (checkout === undefined) return { name, skipped: 'TEMPER_MINDSPEED_MM is not set' };
  if (script === undefined) return { name, skipped: `no llava_instruct_2_mllm_demo_format.py in ${checkout}` };
  const output = join(folder, 'data/mllm_format_llava_instruct_data.json');
  return { name, argv: ['python3', resolve(script)], cwd: folder, prepare: () => rmSync(output, { force: true }) };
}

function hasPython() {
  try {
    execFileSync('python3', ['-c', 'pass'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// The peak is read from /proc while the process runs: what a process reports of itself at its end differs.
function measure({ argv, cwd, prepare }) {
  prepare?.();
  const startedAt = performance.now();
  const child = spawn(argv[0], argv.slice(1), { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  let peakRssMb = 0;
  const timer = setInterval(() => {
    peakRssMb = Math.max(peakRssMb, peakRss(child.pid));
  }, 20);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code, signal) => {
      clearInterval(timer);
      const seconds = (performance.now() - startedAt) / 1000;
      if (code === 0) done({ seconds, peakRssMb });
      else fail(new Error(`${argv[0]} ended with ${signal ?? code}`));
    });
  });
}

function peakRss(pid) {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? 0 : Number(kilobytes) / 1024;
  } catch {
    return 0;
  }
}

// A fast converter that writes something else would win for nothing.
function compareOutputs() {
  const code =
    'import json,sys; a,b=(json.load(open(p,encoding="utf-8")) for p in sys.argv[1:]); print("equal" if a==b else "DIFFERENT")';
  for (const [name, file] of [
    ['upstream script', 'data/mllm_format_llava_instruct_data.json'],
    ['python json module', 'python.json'],
  ]) {
    if (!existsSync(join(folder, file))) continue;
    const paths = [join(folder, 'temper.json'), join(folder, file)];
    const verdict = execFileSync('python3', ['-c', code, ...paths], { encoding: 'utf8' }).trim();
    print(`output beside that of ${name}: ${verdict}`);
    if (verdict !== 'equal') process.exitCode = 1;
  }
}

function mega(bytes) {
  return (bytes / 1e6).toFixed(0);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
