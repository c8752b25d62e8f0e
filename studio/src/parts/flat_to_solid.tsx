// The picture over the drop field: something flat becomes something round.

export function FlatToSolid() {
  return (
    <svg class="flat-to-solid" viewBox="0 0 240 96" aria-hidden="true" focusable="false">
      <g class="sheet">
        <rect x="20" y="14" width="68" height="68" rx="7" />
        <path class="flat" d="M41 38h22v14a11 11 0 0 1-22 0z M63 41h4a5 5 0 0 1 0 11h-4" />
        <path class="ground" d="M34 70h40" />
      </g>
      <path class="arrow" d="M104 48h28 M124 40l8 8-8 8" />
      <g class="solid">
        <ellipse class="shade" cx="188" cy="79" rx="34" ry="6" />
        <path class="body" d="M162 30v24a24 22 0 0 0 48 0V30z" />
        <path class="handle" d="M210 38h4a11 11 0 0 1 0 22h-6" />
        <ellipse class="rim" cx="186" cy="30" rx="24" ry="9" />
        <ellipse class="inside" cx="186" cy="31" rx="19" ry="6" />
      </g>
    </svg>
  );
}
