import { useEffect, useState } from 'react';
import type { DemoScenes } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';

export function DemoPanel({ actor }: { actor: Actor }) {
  const [scenes, setScenes] = useState<DemoScenes['scenes']>([]);
  const { act } = actor;
  useEffect(() => act(api.scenes().then(setScenes)), [act]);
  if (scenes.length === 0) return null;
  return (
    <section className="demo" aria-labelledby="demo-title">
      <div>
        <h2 id="demo-title">Demo site</h2>
        <p>Simulated cameras on this machine speak the real protocol. Fire an alarm and watch what follows.</p>
      </div>
      <div className="scenes">
        {scenes.map((scene) => (
          <button
            key={scene.id}
            type="button"
            title={scene.description}
            disabled={!actor.mayOperate}
            onClick={() => act(api.fire(scene.id))}
          >
            {scene.title}
          </button>
        ))}
      </div>
    </section>
  );
}
