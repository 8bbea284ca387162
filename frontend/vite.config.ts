import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// In development the gateway answers /api; say where it listens (`make run` prints its address).
const gateway = process.env.ICTUS_GATEWAY ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: { '/api': { target: gateway } } },
  build: {
    target: 'es2022',
    // Browsers that know light-dark() and CSS nesting: both are used as they are.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Cornerstone3D is one large lazy chunk that only the result page loads.
    chunkSizeWarningLimit: 4096,
  },
});
