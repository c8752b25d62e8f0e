// The photos brought so far, small, to choose from, to send again, or to take away; and the way to bring more.

import { dropPhoto, photos, send, type Photo } from "../state/draft";
import { DropZone } from "./drop_zone";
import { Icon } from "./icons";
import { Notice } from "./notice";

export function PhotoStrip({ chosen, onChoose }: { chosen: string; onChoose: (key: string) => void }) {
  const bad = photos.value.filter((photo) => photo.trouble);
  return (
    <div class="stack">
      <ul class="strip" aria-label="Photos">
        {photos.value.map((photo, index) => (
          <Thumb key={photo.key} photo={photo} number={index + 1} chosen={photo.key === chosen} onChoose={onChoose} />
        ))}
        <li class="strip-more">
          <DropZone small />
        </li>
      </ul>
      {bad.map((photo) => (
        <Notice key={photo.key} trouble={photo.trouble!}>
          <span class="quiet">{photo.name}</span>
          <button type="button" onClick={() => send(photo.key)}>Send again</button>
          <button type="button" class="plain" onClick={() => dropPhoto(photo.key)}>Leave it out</button>
        </Notice>
      ))}
    </div>
  );
}

function Thumb({ photo, number, chosen, onChoose }: { photo: Photo; number: number; chosen: boolean; onChoose: (key: string) => void }) {
  const sending = photo.share < 1 && !photo.trouble;
  return (
    <li class="thumb">
      <button type="button" class="thumb-pick" aria-pressed={chosen} aria-label={`Photo ${number}: ${photo.name}`} onClick={() => onChoose(photo.key)}>
        {photo.url && <img src={photo.url} alt="" />}
        {photo.trouble && <Icon name="bad" />}
      </button>
      {sending && (
        <span class="bar thin" role="progressbar" aria-label={`Sending ${photo.name}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(photo.share * 100)}>
          <span style={{ width: `${photo.share * 100}%` }} />
        </span>
      )}
      <button type="button" class="thumb-drop" aria-label={`Take ${photo.name} away`} onClick={() => dropPhoto(photo.key)}>
        <Icon name="close" />
      </button>
    </li>
  );
}
