// Where the reader is: the part of the address behind “#”, so that any server can serve the page.

import { signal } from "@preact/signals";

export type Route =
  | { page: "start" }
  | { page: "gallery" }
  | { page: "job"; id: string }
  | { page: "compare"; ids: [string, string] }
  | { page: "lost" };

export const route = signal<Route>(parsed(location.hash));

export function startRouting(): void {
  addEventListener("hashchange", () => (route.value = parsed(location.hash)));
}

export function go(hash: string): void {
  location.hash = hash;
}

export const linkTo = {
  start: "#/",
  gallery: "#/models",
  job: (id: string) => `#/models/${id}`,
  compare: (first: string, second: string) => `#/compare/${first}/${second}`,
};

function parsed(hash: string): Route {
  const parts = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  const [first, second, third] = parts;
  if (!first) return { page: "start" };
  if (first === "models") return second ? { page: "job", id: second } : { page: "gallery" };
  if (first === "compare" && second && third) return { page: "compare", ids: [second, third] };
  return { page: "lost" };
}
