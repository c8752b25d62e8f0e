// Draws a model with WebGL 2: one light from the camera's shoulder, one from the sky; and the cameras of its photos.

import { frustumLines, reachOf } from "./cameras.js";

const VERTEX = `#version 300 es
in vec3 position; in vec3 normal; in vec2 uv; in float confidence;
uniform mat4 clipFromWorld;
out vec3 n; out vec2 t; out float seen;
void main() { n = normal; t = uv; seen = confidence; gl_Position = clipFromWorld * vec4(position, 1.0); }`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 n; in vec2 t; in float seen;
uniform sampler2D base; uniform vec4 factor; uniform int mode; uniform vec3 key;
out vec4 color;
void main() {
  vec3 normal = normalize(n);
  vec3 albedo = pow(texture(base, t).rgb, vec3(2.2)) * factor.rgb;
  vec3 shown = albedo * (0.45 + 0.25 * normal.y + 0.65 * max(dot(normal, key), 0.0));
  if (mode == 1) shown = albedo;
  if (mode == 2) shown = pow(normal * 0.5 + 0.5, vec3(2.2));
  if (mode == 3) shown = mix(vec3(0.75, 0.26, 0.02), vec3(0.0, 0.22, 0.45), seen) * (0.5 + 0.5 * max(dot(normal, key), 0.0));
  color = vec4(pow(shown, vec3(1.0 / 2.2)), 1.0);
}`;

const LINE_VERTEX = `#version 300 es
in vec3 position;
uniform mat4 clipFromWorld;
void main() { gl_Position = clipFromWorld * vec4(position, 1.0); }`;

const LINE_FRAGMENT = `#version 300 es
precision highp float;
uniform vec4 factor;
out vec4 color;
void main() { color = factor; }`;

const FIRST_CAMERA = [0.9, 0.35, 0.0, 1], OTHER_CAMERAS = [0.25, 0.5, 0.8, 1];
const LINE_ENDS = 16;  // of one camera

export class Scene {
  constructor(canvas, model, cameras = []) {
    this.gl = canvas.getContext("webgl2", { antialias: true, alpha: true });
    if (!this.gl) throw new Error("this browser has no WebGL 2");
    this.bounds = model.bounds;
    this.program = link(this.gl, VERTEX, FRAGMENT);
    this.parts = model.parts.map((part) => upload(this.gl, this.program, part));
    this.reach = reachOf(cameras, model.bounds);
    this.lineProgram = link(this.gl, LINE_VERTEX, LINE_FRAGMENT);
    this.lines = uploadLines(this.gl, this.lineProgram, cameras.flatMap((camera) => frustumLines(camera, this.reach)));
  }

  draw({ yaw, pitch, zoom, mode, cameras }) {
    const { gl, program, bounds } = this;
    const at = (name) => gl.getUniformLocation(program, name);
    const { width, height } = gl.canvas;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.useProgram(program);
    const camera = orbit(bounds, yaw, pitch, zoom, width / height, cameras ? 1.1 * this.reach : bounds.radius);
    gl.uniformMatrix4fv(at("clipFromWorld"), false, camera.clipFromWorld);
    gl.uniform3fv(at("key"), camera.key);
    gl.uniform1i(at("mode"), mode);
    for (const { array, texture, factor, count } of this.parts) {
      gl.bindVertexArray(array);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform4fv(at("factor"), factor);
      gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 0);
    }
    if (cameras) this.drawLines(camera.clipFromWorld);
  }

  drawLines(clipFromWorld) {
    const { gl, lineProgram: program, lines } = this;
    const at = (name) => gl.getUniformLocation(program, name);
    gl.useProgram(program);
    gl.bindVertexArray(lines.array);
    gl.uniformMatrix4fv(at("clipFromWorld"), false, clipFromWorld);
    gl.uniform4fv(at("factor"), OTHER_CAMERAS);
    gl.drawArrays(gl.LINES, LINE_ENDS, Math.max(lines.count - LINE_ENDS, 0));
    gl.uniform4fv(at("factor"), FIRST_CAMERA);
    gl.drawArrays(gl.LINES, 0, Math.min(lines.count, LINE_ENDS));
  }
}

function uploadLines(gl, program, ends) {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  const place = gl.getAttribLocation(program, "position");
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(ends), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0);
  return { array, count: ends.length / 3 };
}

function upload(gl, program, part) {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  const attribute = (name, values, size) => {
    const place = gl.getAttribLocation(program, name);
    if (place < 0) return;
    if (!values) { gl.vertexAttrib4f(place, 1, 1, 1, 1); return; }
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
  };
  attribute("position", part.position, 3);
  attribute("normal", part.normal || smoothNormals(part), 3);
  attribute("uv", part.uv, 2);
  attribute("confidence", part.confidence, 1);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, part.indices, gl.STATIC_DRAW);
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  if (part.image) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, part.image);
  else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array([225, 225, 225, 255]));
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  return { array, texture, factor: part.factor, count: part.indices.length };
}

function smoothNormals({ position, indices }) {
  const sums = new Float32Array(position.length);
  const corner = (i) => [position[3 * i], position[3 * i + 1], position[3 * i + 2]];
  for (let f = 0; f < indices.length; f += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => corner(indices[f + k]));
    const normal = cross(minus(b, a), minus(c, a));
    for (let k = 0; k < 3; k++) for (let axis = 0; axis < 3; axis++) sums[3 * indices[f + k] + axis] += normal[axis];
  }
  return sums;
}

// `reach`: how far from the center something is drawn.
function orbit({ center, radius }, yaw, pitch, zoom, aspect, reach) {
  const half = Math.tan(0.3), distance = radius / (Math.sin(0.3) * zoom * Math.min(1, aspect));
  const back = [Math.sin(-yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(-yaw) * Math.cos(pitch)];
  const right = unit(cross([0, 1, 0], back)), up = cross(back, right);
  const eye = center.map((value, axis) => value + back[axis] * distance);
  const near = Math.max(distance - 2 * reach, radius * 0.01), far = distance + 2 * reach;
  const rows = [scaled(right, 1 / (half * aspect)), scaled(up, 1 / half), scaled(back, -1)];
  const shift = rows.map((row) => -dot(row, eye));
  const a = (far + near) / (far - near), b = (-2 * far * near) / (far - near);
  const clipFromWorld = new Float32Array(16);
  for (let column = 0; column < 3; column++) {
    clipFromWorld.set([rows[0][column], rows[1][column], rows[2][column] * a, rows[2][column]], column * 4);
  }
  clipFromWorld.set([shift[0], shift[1], shift[2] * a + b, shift[2]], 12);
  return { clipFromWorld, key: unit(plus(plus(back, scaled(up, 0.6)), scaled(right, -0.5))) };
}

function link(gl, ...sources) {
  const program = gl.createProgram();
  [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].forEach((kind, index) => {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, sources[index]);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  });
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}

const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const plus = (a, b) => a.map((value, axis) => value + b[axis]);
const minus = (a, b) => a.map((value, axis) => value - b[axis]);
const scaled = (a, factor) => a.map((value) => value * factor);
const unit = (a) => scaled(a, 1 / (Math.hypot(...a) || 1));
