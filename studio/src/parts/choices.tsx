// One of several: native radio buttons that look like cards, or like a row of tabs.

import type { Choice } from "../words/targets";

interface Props<Value extends string> {
  legend: string;
  name: string;
  choices: Choice<Value>[];
  value: Value;
  onChange: (value: Value) => void;
  look?: "cards" | "row";
}

export function Choices<Value extends string>({ legend, name, choices, value, onChange, look = "cards" }: Props<Value>) {
  return (
    <fieldset class={`choices ${look}`}>
      <legend>{legend}</legend>
      <div class="choice-list">
        {choices.map((choice) => (
          <label class="choice" key={choice.value}>
            <input type="radio" name={name} checked={choice.value === value} onChange={() => onChange(choice.value)} />
            <span class="choice-name">{choice.name}</span>
            <span class="choice-about quiet">{choice.about}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
