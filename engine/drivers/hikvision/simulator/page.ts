import { faultNames } from './faults';
import { sceneTitles } from './scenes';

const escapeText = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);

/** The page that a browser gets at `/`: outputs, last preset, buttons that fire. */
export function simulatorPage(model: string): string {
  const buttons = sceneTitles
    .map(
      ({ name, title, eventType }) =>
        `<div class="scene"><b>${escapeText(title)}</b> <small>${escapeText(eventType)}</small>` +
        `<button data-scene="${name}" data-state="active">start</button>` +
        `<button data-scene="${name}" data-state="inactive">stop</button></div>`,
    )
    .join('');
  const faults = faultNames
    .map((name) => `<label><input type="checkbox" data-fault="${name}"> ${name}</label>`)
    .join('');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated ISAPI device</title>
<meta name="viewport" content="width=device-width"><style>
body{font:15px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1c2833;background:#f4f6f7}
h1{font-size:1.3rem}h2{font-size:1rem;margin:1.5rem 0 .5rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:.4rem}
.scene,label{background:#fff;border:1px solid #d5dbdb;border-radius:6px;padding:.35rem .6rem}
.scene{display:flex;align-items:center;gap:.4rem}.scene small{color:#7f8c8d;flex:1;overflow:hidden;text-overflow:ellipsis}
.on{background:#c0392b;color:#fff}.lamp{display:inline-block;border-radius:6px;padding:.3rem .8rem;margin:0 .4rem .4rem 0;border:1px solid #aab7b8}
pre{background:#fff;border:1px solid #d5dbdb;border-radius:6px;padding:.6rem;max-height:12rem;overflow:auto}
</style><h1>Simulated ISAPI device: ${escapeText(model)}</h1>
<h2>Outputs and inputs</h2><div id="lamps"></div><p id="preset"></p>
<h2>Fire</h2><div class="grid">${buttons}</div>
<h2>Commands received</h2><pre id="commands"></pre>
<h2>Faults</h2><div class="grid">${faults}</div>
<script>
const post=(path,body)=>fetch(path,{method:'POST',headers:{'Content-Type':'application/json'},body:JSON.stringify(body)});
document.addEventListener('click',e=>{const b=e.target.closest('[data-scene]');if(b)post('/sim/fire',{scene:b.dataset.scene,state:b.dataset.state,pictures:b.dataset.state==='active'?1:0}).then(show)});
document.addEventListener('change',e=>{const f=e.target.dataset.fault;if(f)post('/sim/faults',{[f]:e.target.checked})});
const lamp=(text,on)=>{const s=document.createElement('span');s.className='lamp'+(on?' on':'');s.textContent=text;return s};
async function show(){const s=await(await fetch('/sim/state')).json();
const l=document.getElementById('lamps');l.replaceChildren(...s.outputs.map(o=>lamp('output '+o.id+(o.on?' on':' off'),o.on)),...s.inputs.map(i=>lamp('input '+i.id+(i.active?' active':''),i.active)));
document.getElementById('preset').textContent=(s.preset?'Channel '+s.preset.channel+' stands at preset '+s.preset.preset:'No preset called yet')+'. Open alert streams: '+s.streams;
document.getElementById('commands').textContent=s.commands.map(c=>c.time+'  '+c.command).reverse().join('\\n');
for(const c of document.querySelectorAll('[data-fault]'))c.checked=s.faults.includes(c.dataset.fault)}
const loop=()=>show().then(()=>fetch('/sim/tick')).then(loop,()=>{document.title='Simulated device stopped'});loop();
</script></html>`;
}
