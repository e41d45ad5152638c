import { type FormEvent, useState } from 'react';
import { api } from '../api';

export function Login({ siteName, onDone }: { siteName: string; onDone: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [refusal, setRefusal] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    try {
      await api.login(name, password);
      onDone();
    } catch (error) {
      setRefusal((error as Error).message);
      setPassword('');
    } finally {
      setBusy(false);
    }
  }

  return (
    <form className="login" onSubmit={submit}>
      <h1>
        <img src="/favicon.svg" alt="" width="32" height="32" /> {siteName || 'alarmflow'}
      </h1>
      <label>
        User
        <input value={name} onChange={(e) => setName(e.target.value)} autoComplete="username" required />
      </label>
      <label>
        Password
        <input
          type="password"
          value={password}
          onChange={(e) => setPassword(e.target.value)}
          autoComplete="current-password"
          required
        />
      </label>
      {refusal && (
        <p role="alert" className="refusal">
          {refusal}
        </p>
      )}
      <button type="submit" disabled={busy}>
        Log in
      </button>
    </form>
  );
}
