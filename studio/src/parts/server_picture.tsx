// A picture that lies at the server.

import { useEffect, useState } from "preact/hooks";
import { pictureUrl } from "../state/pictures";
import { Icon } from "./icons";

export function ServerPicture({ path, alt }: { path: string | null; alt: string }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    setUrl(null);
    if (path) pictureUrl(path).then((found) => wanted && setUrl(found)).catch(() => {});
    return () => void (wanted = false);
  }, [path]);
  if (url) return <img src={url} alt={alt} decoding="async" />;
  const told = alt ? { role: "img" as const, "aria-label": alt } : { "aria-hidden": true };
  return (
    <span class="no-picture" {...told}>
      <Icon name="cube" />
    </span>
  );
}
