// Reads a GLB as unflat writes it: triangles, one scene, textures inside the file.

const SIZES = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const ARRAYS = { 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };

export async function readGlb(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== 0x46546c67) throw new Error("it is no GLB file");
  const jsonLength = view.getUint32(12, true);
  const gltf = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, jsonLength)));
  const binary = 20 + jsonLength + 8;

  const accessor = (index) => {
    const { bufferView, byteOffset = 0, count, type, componentType } = gltf.accessors[index];
    const place = gltf.bufferViews[bufferView];
    const start = binary + (place.byteOffset || 0) + byteOffset;
    return new ARRAYS[componentType](buffer.slice(start), 0, count * SIZES[type]);
  };
  const image = async (index) => {
    const { bufferView, mimeType } = gltf.images[index];
    const place = gltf.bufferViews[bufferView];
    const bytes = new Uint8Array(buffer, binary + (place.byteOffset || 0), place.byteLength);
    return createImageBitmap(new Blob([bytes], { type: mimeType }), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  };

  const parts = [];
  for (const node of gltf.nodes) {
    if (node.mesh === undefined) continue;
    for (const { attributes, indices, material = 0 } of gltf.meshes[node.mesh].primitives) {
      const look = (gltf.materials || [])[material] || {};
      const texture = look.pbrMetallicRoughness?.baseColorTexture;
      const source = texture && gltf.textures[texture.index];
      const get = (name) => (attributes[name] === undefined ? null : accessor(attributes[name]));
      parts.push({
        position: get("POSITION"), normal: get("NORMAL"), uv: get("TEXCOORD_0"), confidence: get("_CONFIDENCE"),
        indices: new Uint32Array(accessor(indices)),
        factor: look.pbrMetallicRoughness?.baseColorFactor || [1, 1, 1, 1],
        image: source ? await image(source.source ?? source.extensions.EXT_texture_webp.source) : null,
      });
    }
  }
  if (!parts.length) throw new Error("it has no mesh");
  const faces = parts.reduce((sum, part) => sum + part.indices.length / 3, 0);
  return { parts, summary: `${faces.toLocaleString()} faces`, bounds: boundsOf(parts) };
}

function boundsOf(parts) {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (const { position } of parts) {
    for (let i = 0; i < position.length; i++) {
      low[i % 3] = Math.min(low[i % 3], position[i]);
      high[i % 3] = Math.max(high[i % 3], position[i]);
    }
  }
  const center = low.map((value, axis) => (value + high[axis]) / 2);
  return { center, radius: Math.hypot(...high.map((value, axis) => value - low[axis])) / 2 || 1 };
}
