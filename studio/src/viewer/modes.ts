// The ways to look at a model: each gives a piece of it another material.

import { Color, DataTexture, DoubleSide, MeshBasicMaterial, MeshNormalMaterial, MeshStandardMaterial, NearestFilter, RepeatWrapping, ShaderMaterial, SRGBColorSpace, type Material } from "three";
import type { Piece } from "./model";
import { INFERRED, SEEN, type Mode } from "./mode_names";

export function materialFor(mode: Mode, piece: Piece, dark: boolean): Material {
  const flat = !piece.mesh.geometry.attributes.normal;
  switch (mode) {
    case "photo":
      return piece.material;
    case "shaded":
      return new MeshStandardMaterial({ color: "#cfcac1", roughness: 0.75, side: DoubleSide, flatShading: flat, normalMap: piece.material.normalMap });
    case "normals":
      return new MeshNormalMaterial({ side: DoubleSide, flatShading: flat });
    case "wireframe":
      return new MeshBasicMaterial({ color: dark ? "#8fd0b3" : "#1d5c46", wireframe: true });
    case "uv":
      return new MeshStandardMaterial({ map: checker(), roughness: 0.9, side: DoubleSide, flatShading: flat });
    case "seen":
      return seenMaterial(piece);
  }
}

function checker(): DataTexture {
  const side = 32;
  const light = [246, 243, 236];
  const colours = [[31, 111, 84], [224, 144, 61], [63, 127, 181], [150, 90, 140]];
  const data = new Uint8Array(side * side * 4);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const quarter = colours[(x < side / 2 ? 0 : 1) + (y < side / 2 ? 0 : 2)]!;
      data.set([...((x + y) % 2 ? light : quarter), 255], (y * side + x) * 4);
    }
  }
  const texture = new DataTexture(data, side, side);
  texture.colorSpace = SRGBColorSpace;
  texture.wrapS = texture.wrapT = RepeatWrapping;
  texture.magFilter = NearestFilter;
  texture.generateMipmaps = true;
  texture.needsUpdate = true;
  return texture;
}

function seenMaterial({ mesh, confidenceMap }: Piece): ShaderMaterial {
  const known = Boolean(mesh.geometry.attributes._confidence);
  const useMap = Boolean(confidenceMap && mesh.geometry.attributes.uv);
  return new ShaderMaterial({
    side: DoubleSide,
    uniforms: { seen: { value: new Color(SEEN) }, inferred: { value: new Color(INFERRED) }, map: { value: confidenceMap } },
    defines: { ...(useMap ? { USE_CONFIDENCE_MAP: "" } : {}), ...(known ? { HAS_CONFIDENCE: "" } : {}) },
    vertexShader: /* glsl */ `
      #ifdef HAS_CONFIDENCE
        attribute float _confidence;
      #endif
      varying float known; varying vec3 facing; varying vec2 place;
      void main() {
        #ifdef HAS_CONFIDENCE
          known = _confidence;
        #else
          known = 1.0;
        #endif
        facing = normalMatrix * normal;
        place = uv;
        gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
      }`,
    fragmentShader: /* glsl */ `
      uniform vec3 seen; uniform vec3 inferred; uniform sampler2D map;
      varying float known; varying vec3 facing; varying vec2 place;
      void main() {
        #ifdef USE_CONFIDENCE_MAP
          float share = texture2D(map, place).r;
        #else
          float share = known;
        #endif
        share = smoothstep(0.2, 0.8, share);
        float stripe = step(0.5, fract((gl_FragCoord.x + gl_FragCoord.y) / 14.0));
        vec3 guessed = inferred * mix(0.82, 1.0, stripe);
        float light = 0.55 + 0.45 * abs(normalize(facing).z);
        gl_FragColor = vec4(mix(guessed, seen, share) * light, 1.0);
        #include <colorspace_fragment>
      }`,
  });
}
