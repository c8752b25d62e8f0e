// Numbers as people say them.

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${Math.round(count / 1e3)} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

export function length(metres: number): string {
  if (metres >= 1) return `${precise(metres)} m`;
  if (metres >= 0.01) return `${precise(metres * 100)} cm`;
  return `${precise(metres * 1000)} mm`;
}

const precise = (value: number) => String(Number(value.toPrecision(3)));

export const percent = (share: number): string => `${Math.round(share * 100)}%`;
export const count = (value: number): string => value.toLocaleString("en");

export function timeLeft(seconds: number): string {
  if (seconds < 5) return "a few seconds left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} seconds left`;
  const minutes = Math.round(seconds / 60);
  return minutes <= 1 ? "about a minute left" : `about ${minutes} minutes left`;
}

export function duration(from: string | null, to: string | null): string | null {
  if (!from || !to) return null;
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  if (!(seconds >= 0)) return null;
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function ago(when: string): string {
  const seconds = (Date.parse(when) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (seconds > -60) return "just now";
  if (seconds > -3600) return RELATIVE.format(Math.round(seconds / 60), "minute");
  if (seconds > -86400) return RELATIVE.format(Math.round(seconds / 3600), "hour");
  return RELATIVE.format(Math.round(seconds / 86400), "day");
}
