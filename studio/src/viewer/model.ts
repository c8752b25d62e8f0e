// A GLB, read: the scene, where it stands, and what the GLB says of every point: seen or inferred.

import { Box3, type BufferGeometry, Mesh, type MeshStandardMaterial, type Object3D, Sphere, type Texture, Vector3 } from "three";
import { type GLTF, GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

export interface Piece {
  mesh: Mesh<BufferGeometry, MeshStandardMaterial>;
  /** As the file has it. */
  material: MeshStandardMaterial;
  confidenceMap: Texture | null;
}

export interface Model {
  root: Object3D;
  pieces: Piece[];
  center: Vector3;
  radius: number;
  /** Height of its lowest point. */
  floor: number;
  width: number;
  depth: number;
  faces: number;
  dispose(): void;
}

export async function readModel(content: ArrayBuffer): Promise<Model> {
  const gltf = await new GLTFLoader().parseAsync(content, "");
  const pieces: Piece[] = [];
  const found: Mesh<BufferGeometry, MeshStandardMaterial>[] = [];
  gltf.scene.traverse((object) => object instanceof Mesh && found.push(object));
  for (const mesh of found) pieces.push({ mesh, material: mesh.material, confidenceMap: await confidenceOf(gltf, mesh.material) });
  if (!pieces.length) throw new Error("the file has no surface");
  gltf.scene.updateMatrixWorld(true);
  const box = new Box3().setFromObject(gltf.scene);
  const sphere = box.getBoundingSphere(new Sphere());
  return {
    root: gltf.scene,
    pieces,
    center: sphere.center,
    radius: sphere.radius || 1,
    floor: box.min.y,
    width: box.max.x - box.min.x,
    depth: box.max.z - box.min.z,
    faces: pieces.reduce((sum, { mesh }) => sum + (mesh.geometry.index?.count ?? mesh.geometry.attributes.position!.count) / 3, 0),
    dispose: () => pieces.forEach(release),
  };
}

async function confidenceOf(gltf: GLTF, material: MeshStandardMaterial): Promise<Texture | null> {
  const ours = material.userData.unflat as { confidenceTexture?: { index: number } } | undefined;
  if (!ours?.confidenceTexture) return null;
  return (await gltf.parser.getDependency("texture", ours.confidenceTexture.index)) as Texture;
}

function release({ mesh, material, confidenceMap }: Piece): void {
  mesh.geometry.dispose();
  for (const value of Object.values(material)) if ((value as Texture | null)?.isTexture) (value as Texture).dispose();
  confidenceMap?.dispose();
  material.dispose();
}
