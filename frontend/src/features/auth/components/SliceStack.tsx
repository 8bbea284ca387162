import classes from './AuthFrame.module.css';

const SLICES = [0.5, 0.68, 0.82, 0.93, 1, 0.97, 0.86];

/** A stack of axial outlines, one of them lit: what the program looks at. Decoration only. */
export function SliceStack() {
  return (
    <svg className={classes.picture} viewBox="0 0 400 420" fill="none" aria-hidden="true">
      {SLICES.map((size, level) => {
        const lit = level === 4;
        return (
          <g key={size} transform={`translate(200 ${70 + level * 46})`} opacity={lit ? 1 : 0.42}>
            <ellipse
              rx={150 * size}
              ry={52 * size}
              stroke={lit ? '#8fd0e4' : '#4c8ca3'}
              strokeWidth={lit ? 2 : 1.3}
              fill="#0c3342"
              fillOpacity={lit ? 0.85 : 0.35}
            />
            <ellipse rx={136 * size} ry={45 * size} stroke={lit ? '#5aabc7' : '#2f6a7f'} strokeWidth={1} />
            <path d={`M0 ${-44 * size}V${44 * size}`} stroke={lit ? '#5aabc7' : '#2f6a7f'} strokeWidth={1} />
            {lit && (
              <>
                <ellipse cx={62} cy={-6} rx={34} ry={13} fill="#ffb454" fillOpacity={0.28} />
                <ellipse cx={62} cy={-6} rx={20} ry={7.5} fill="#ffb454" fillOpacity={0.85} />
              </>
            )}
          </g>
        );
      })}
    </svg>
  );
}
