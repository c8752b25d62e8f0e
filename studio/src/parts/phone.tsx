// A QR code that opens the model on a phone, where it can be put into the room.

import { useState } from "preact/hooks";
import { encode } from "uqr";
import type { Asset } from "../server/types";
import { Dialog } from "./dialog";
import { Icon } from "./icons";

const LOCAL = /^(localhost|127\.|\[?::1)/;

export function PhoneButton({ asset, title }: { asset: Asset; title: string }) {
  const [open, setOpen] = useState(false);
  if (!linkFor(asset, title, "")) return null;
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        <Icon name="phone" />
        See it in your room
      </button>
      {open && (
        <Dialog title="See it in your room" onClose={() => setOpen(false)}>
          <PhoneLink asset={asset} title={title} />
        </Dialog>
      )}
    </>
  );
}

function PhoneLink({ asset, title }: { asset: Asset; title: string }) {
  if (LOCAL.test(location.host)) {
    return (
      <div class="stack">
        <p>A phone can't reach this page yet: it only answers on this computer.</p>
        <p class="quiet">
          Start it with <code>unflat studio --share</code> and open the address that it prints; then a QR code stands here. Phone and
          computer must be in the same network.
        </p>
        <div class="row end"><a class="button" href={linkFor(asset, title, "")!}>Open the phone's page here</a></div>
      </div>
    );
  }
  const link = linkFor(asset, title, location.origin)!;
  return (
    <div class="stack centre-text">
      <QrCode text={link} label={`QR code: ${title} on a phone`} />
      <p>Point your phone's camera at it, then tap “View in your room”.</p>
      <p class="quiet">
        iPhone and iPad work at once. Android places models only from an address that begins with https. The link works for a day, for whoever has it.
      </p>
      <div class="row end"><a class="button" href={link}>Open the link here</a></div>
    </div>
  );
}

/** What the phone needs stands behind “#”, so it is not written into any log. */
export function linkFor(asset: Asset, title: string, origin: string): string | null {
  const of = (format: string) => asset.files.find((file) => file.role === "model" && file.format === format)?.signed_url;
  const glb = of("glb");
  if (!glb) return null;
  const usdz = of("usdz");
  return `${origin}/ar.html#${new URLSearchParams({ glb, ...(usdz ? { usdz } : {}), title })}`;
}

function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: "M", border: 2 });
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#141412" />
    </svg>
  );
}
