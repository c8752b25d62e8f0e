// Every format to take home. OBJ comes with side files, so it comes as a ZIP.

import { useState } from "preact/hooks";
import { ask, asTrouble, type Trouble } from "../server/client";
import type { Asset, OutputFile } from "../server/types";
import { announce } from "../state/announce";
import { bytes } from "../words/measure";
import { FORMATS } from "../words/targets";
import { Icon } from "./icons";
import { Notice } from "./notice";

interface Offer {
  format: string;
  name: string;
  files: OutputFile[];
}

export function offersOf(asset: Asset): Offer[] {
  const models = asset.files.filter((file) => file.role === "model");
  const mains = models.filter((file) => file.format in FORMATS && !/_lod\d+\./.test(file.name));
  const sides = models.filter((file) => !(file.format in FORMATS));
  return Object.keys(FORMATS).flatMap((format) => {
    const main = mains.find((file) => file.format === format);
    if (!main) return [];
    const files = format === "obj" ? [main, ...sides] : [main];
    return [{ format, files, name: files.length > 1 ? main.name.replace(/\.obj$/, "_obj.zip") : main.name }];
  });
}

export function Downloads({ asset, title }: { asset: Asset; title: string }) {
  const [busy, setBusy] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const take = async (offer: Offer) => {
    setBusy(offer.format);
    setTrouble(null);
    try {
      save(await contentOf(offer), `${fileTitle(title)}${offer.name.slice(offer.name.lastIndexOf("."))}`);
      announce(`${offer.format.toUpperCase()} saved.`);
    } catch (thrown) {
      setTrouble(asTrouble(thrown));
    }
    setBusy(null);
  };
  const picture = asset.files.find((file) => file.role === "preview");
  return (
    <section class="card" aria-labelledby="downloads-title">
      <h2 id="downloads-title">Download</h2>
      <ul class="downloads">
        {offersOf(asset).map((offer) => (
          <li key={offer.format}>
            <button type="button" class="download" disabled={busy !== null} onClick={() => take(offer)}>
              <span class="format">{FORMATS[offer.format]!.name}</span>
              <span class="quiet">{FORMATS[offer.format]!.about}</span>
              <span class="size quiet">{busy === offer.format ? "…" : bytes(offer.files.reduce((sum, file) => sum + file.bytes, 0))}</span>
              <Icon name="download" />
            </button>
          </li>
        ))}
        {picture && (
          <li>
            <button type="button" class="download" disabled={busy !== null} onClick={() => take({ format: "png", name: picture.name, files: [picture] })}>
              <span class="format">PNG</span>
              <span class="quiet">A picture of it</span>
              <span class="size quiet">{bytes(picture.bytes)}</span>
              <Icon name="download" />
            </button>
          </li>
        )}
      </ul>
      {trouble && <Notice trouble={trouble} />}
    </section>
  );
}

async function contentOf({ files }: Offer): Promise<Blob> {
  const blobs = await Promise.all(files.map((file) => ask(file.url).then((response) => response.blob())));
  if (files.length === 1) return blobs[0]!;
  const { zip } = await import("../server/zip");
  const contents = await Promise.all(blobs.map((blob) => blob.arrayBuffer()));
  return zip(files.map((file, index) => ({ name: file.name, content: new Uint8Array(contents[index]!) })));
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const fileTitle = (title: string) => title.replace(/[^\p{L}\p{N} ()-]+/gu, "").trim() || "model";
