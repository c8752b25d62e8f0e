// A canvas that shows one model: light, camera, turning by pointer and keys. Draws only when something has changed.

import { ACESFilmicToneMapping, CanvasTexture, DirectionalLight, HemisphereLight, Mesh, MeshBasicMaterial, type Material, PerspectiveCamera, PlaneGeometry, Scene, SRGBColorSpace, Vector3, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { Model } from "./model";
import { materialFor } from "./modes";
import type { Mode } from "./mode_names";

/** A view of the object by angles and by distance in its radii: fits objects of any size, so that cameras can be linked. */
export interface Pose {
  azimuth: number;
  polar: number;
  radii: number;
  target: [number, number, number];
}

const FOV_DEG = 32;
const FIRST: Pose = { azimuth: 0.42, polar: 1.24, radii: 3.75, target: [0, 0, 0] };
const MOST_PIXELS = 2;
const TURN = 0.12;

export class Stage {
  onPose: (pose: Pose) => void = () => {};
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(FOV_DEG, 1, 0.01, 100);
  private readonly controls: OrbitControls;
  private readonly watcher: ResizeObserver;
  private readonly shadow = softShadow();
  private model: Model | null = null;
  private made: Material[] = [];
  private frame = 0;
  private quiet = false;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, preserveDrawingBuffer: true });
    this.renderer.toneMapping = ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 1.15;
    this.camera.add(...lamps());
    this.scene.add(this.camera, new HemisphereLight("#ffffff", "#b9ad9a", 2.1), this.shadow);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.controls.dampingFactor = 0.12;
    this.controls.addEventListener("change", () => this.moved());
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(canvas);
  }

  show(model: Model): void {
    this.model = model;
    this.scene.add(model.root);
    this.shadow.position.set(model.center.x, model.floor + 0.002 * model.radius, model.center.z);
    this.shadow.scale.set(model.width * 1.7, model.depth * 1.7, 1);
    this.camera.near = model.radius / 50;
    this.camera.far = model.radius * 60;
    this.controls.minDistance = model.radius * 1.2;
    this.controls.maxDistance = model.radius * 14;
    this.fit();
    this.pose = FIRST;
  }

  set mode(mode: Mode) {
    if (!this.model) return;
    this.made.forEach((material) => material.dispose());
    this.made = [];
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    for (const piece of this.model.pieces) {
      const material = materialFor(mode, piece, dark);
      if (material !== piece.material) this.made.push(material);
      (piece.mesh as Mesh).material = material;
    }
    this.renderer.toneMapping = mode === "photo" || mode === "shaded" ? ACESFilmicToneMapping : 0;
    this.shadow.visible = mode !== "wireframe";
    this.draw();
  }

  get pose(): Pose {
    const { center, radius } = this.model!;
    const target = this.controls.target.clone().sub(center).divideScalar(radius);
    return {
      azimuth: this.controls.getAzimuthalAngle(),
      polar: this.controls.getPolarAngle(),
      radii: this.controls.getDistance() / radius,
      target: target.toArray(),
    };
  }

  set pose({ azimuth, polar, radii, target }: Pose) {
    if (!this.model) return;
    const { center, radius } = this.model;
    this.quiet = true;
    this.controls.target.fromArray(target).multiplyScalar(radius).add(center);
    const away = new Vector3().setFromSphericalCoords(radii * radius, polar, azimuth);
    this.camera.position.copy(this.controls.target).add(away);
    this.controls.update();
    this.quiet = false;
    this.draw();
  }

  /** Turn, tilt and come nearer by steps, as the keys do. */
  step(turn: number, tilt: number, nearer = 1): void {
    const pose = this.pose;
    const polar = Math.min(Math.PI - 0.05, Math.max(0.05, pose.polar + tilt * TURN));
    this.pose = { ...pose, azimuth: pose.azimuth + turn * TURN, polar, radii: Math.min(14, Math.max(1.2, pose.radii * nearer)) };
    this.onPose(this.pose);
  }

  reset(): void {
    this.pose = FIRST;
    this.onPose(this.pose);
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.watcher.disconnect();
    this.controls.dispose();
    this.made.forEach((material) => material.dispose());
    this.model?.dispose();
    this.renderer.dispose();
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, MOST_PIXELS));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    // A narrow canvas must still hold the object's width.
    const half = Math.tan((FOV_DEG * Math.PI) / 360);
    this.camera.fov = (Math.atan(half / Math.min(1, this.camera.aspect)) * 360) / Math.PI;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  private moved(): void {
    this.draw();
    if (!this.quiet && this.model) this.onPose(this.pose);
  }

  private draw(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.controls.update();
      this.renderer.render(this.scene, this.camera);
      if (this.model) this.canvas.dataset.drawn = "yes";
    });
  }
}

/** Lights that stay with the camera, so that every side is lit when it is turned to. Without reflections: quick on any machine. */
function lamps(): DirectionalLight[] {
  const key = new DirectionalLight("#fffaf2", 2.2);
  key.position.set(-1.2, 1.6, 1.4);
  const fill = new DirectionalLight("#eaf0ff", 0.7);
  fill.position.set(1.6, 0.2, 1);
  return [key, fill];
}

/** A soft dark disc on the ground, painted once: a real shadow would cost a second pass for less calm. */
function softShadow(): Mesh {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 128;
  const context = canvas.getContext("2d")!;
  const fade = context.createRadialGradient(64, 64, 4, 64, 64, 64);
  fade.addColorStop(0, "rgba(20,16,10,0.34)");
  fade.addColorStop(0.5, "rgba(20,16,10,0.13)");
  fade.addColorStop(1, "rgba(20,16,10,0)");
  context.fillStyle = fade;
  context.fillRect(0, 0, 128, 128);
  const map = new CanvasTexture(canvas);
  map.colorSpace = SRGBColorSpace;
  const disc = new Mesh(new PlaneGeometry(1, 1), new MeshBasicMaterial({ map, transparent: true, depthWrite: false, toneMapped: false }));
  disc.rotation.x = -Math.PI / 2;
  return disc;
}
