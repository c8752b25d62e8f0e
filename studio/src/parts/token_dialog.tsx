// Asks for the token when the server demands one.

import { useRef } from "preact/hooks";
import { keepToken, token, tokenWanted } from "../server/token";
import { loadJobs } from "../state/history";
import { Dialog } from "./dialog";

export function TokenDialog() {
  const field = useRef<HTMLInputElement>(null);
  if (!tokenWanted.value) return null;
  const submit = (event: Event) => {
    event.preventDefault();
    keepToken(field.current!.value);
    void loadJobs();
    // Whatever was refused is asked for again by the page itself.
    dispatchEvent(new HashChangeEvent("hashchange"));
  };
  return (
    <Dialog title="This server asks for a token" onClose={() => (tokenWanted.value = false)}>
      <form onSubmit={submit} class="stack">
        <p class="quiet">
          {token.value ? "The token of this browser was not accepted. " : ""}
          Whoever runs the server makes one with <code>unflat token</code>. It stays in this browser.
        </p>
        <label class="field">
          Token
          <input ref={field} name="token" type="password" autocomplete="off" spellcheck={false} required />
        </label>
        <div class="row end">
          <button type="submit" class="main">Go on</button>
        </div>
      </form>
    </Dialog>
  );
}
