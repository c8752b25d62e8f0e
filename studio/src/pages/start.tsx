// The first page: bring photos; then see what becomes of them and say what is wanted.

import { useState } from "preact/hooks";
import { DropZone } from "../parts/drop_zone";
import { Loading, Notice } from "../parts/notice";
import { MaskEditor } from "../parts/mask_editor";
import { ModelCard } from "../parts/model_card";
import { PhotoStrip } from "../parts/photo_strip";
import { WishesForm } from "../parts/wishes_form";
import { asTrouble, type Trouble } from "../server/client";
import { announce } from "../state/announce";
import { clearDraft, draftTrouble, makeModels, photos, sidesOf, wishes } from "../state/draft";
import { jobs, jobsTrouble, putJob } from "../state/history";
import { go, linkTo } from "../state/routes";
import { needsHeight } from "../words/targets";

const RECENT = 4;

export function StartPage() {
  return photos.value.length ? <Prepare /> : <Welcome />;
}

function Welcome() {
  const recent = jobs.value?.slice(0, RECENT) ?? [];
  return (
    <div class="welcome">
      <h1>Turn a photo into a 3D&nbsp;model</h1>
      <p class="lead">Bring one photo of a thing, or several from around it. Nothing leaves {isHere() ? "this computer" : "this server"}.</p>
      <DropZone />
      {draftTrouble.value && <Notice trouble={draftTrouble.value} />}
      {jobsTrouble.value && <Notice trouble={jobsTrouble.value} />}
      {recent.length > 0 ? (
        <section class="recent" aria-labelledby="recent-title">
          <div class="section-head">
            <h2 id="recent-title">Your latest models</h2>
            <a href={linkTo.gallery}>See all</a>
          </div>
          <ul class="gallery">{recent.map((job) => <ModelCard key={job.id} job={job} />)}</ul>
        </section>
      ) : (
        !jobsTrouble.value && <Steps />
      )}
    </div>
  );
}

function Steps() {
  return (
    <ol class="steps">
      <li><strong>Bring a photo</strong><span class="quiet">The whole thing in view, in even light, before a calm background.</span></li>
      <li><strong>Check what is cut out</strong><span class="quiet">The bright part becomes the model. A click corrects it.</span></li>
      <li><strong>Take your model</strong><span class="quiet">For your shop, a phone's room view, a printer, or a game.</span></li>
    </ol>
  );
}

function Prepare() {
  const [chosen, setChosen] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const list = photos.value;
  const together = wishes.value.set !== "each" && list.length > 1;
  const sides = wishes.value.set === "sides" ? sidesOf(list.length) : undefined;
  const photo = list.find((one) => one.key === chosen) ?? list[0]!;
  const ready = list.filter((one) => one.id);
  const waiting = list.some((one) => !one.id && !one.trouble);
  const missing = needsHeight(wishes.value.target) && !(Number(wishes.value.height) > 0);

  const make = async (event: Event) => {
    event.preventDefault();
    if (sending || waiting || !ready.length) return;
    setSending(true);
    setTrouble(null);
    try {
      const made = await makeModels();
      made.forEach(putJob);
      announce(made.length > 1 ? `${made.length} models are being made.` : "The model is being made.");
      go(made.length > 1 ? linkTo.gallery : linkTo.job(made[0]!.id));
      clearDraft();
    } catch (thrown) {
      setTrouble(asTrouble(thrown));
      setSending(false);
    }
  };
  return (
    <form class="prepare" onSubmit={make}>
      <div class="prepare-picture">
        <div class="section-head">
          <h1>{list.length > 1 ? `${list.length} photos` : "Your photo"}</h1>
          <button type="button" class="plain" onClick={clearDraft}>Start over</button>
        </div>
        {photo.id && photo.url && !together ? (
          <MaskEditor key={photo.key} photo={photo} />
        ) : (
          <div class="mask-frame">
            {photo.url ? <img src={photo.url} alt={photo.name} /> : <Loading text="Fetching the photo…" />}
          </div>
        )}
        {sides && <p class="quiet">{list.map((one, at) => `${sides[at]}: ${one.name}`).join(" · ")}. Left is the thing's own left.</p>}
        {together && !sides && <p class="quiet">Photos from all around, each overlapping the next, give the best model. Twenty are good, more are better.</p>}
        <PhotoStrip chosen={photo.key} onChoose={setChosen} />
        {draftTrouble.value && <Notice trouble={draftTrouble.value} />}
      </div>
      <div class="prepare-wishes">
        <WishesForm />
        <div class="make">
          {missing && <p class="quiet">Without its height the model can't be true to size, and the check will say so.</p>}
          {trouble && <Notice trouble={trouble} />}
          <button type="submit" class="main big" disabled={sending || waiting || !ready.length}>
            {sending ? "Starting…" : waiting ? "Sending photos…" : makes(ready.length, together)}
          </button>
        </div>
      </div>
    </form>
  );
}

const makes = (ready: number, together: boolean) => (ready > 1 && !together ? `Make ${ready} models` : "Make the model");
const isHere = () => /^(localhost|127\.|\[::1)/.test(location.hostname);
